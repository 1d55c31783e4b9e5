/**
 * Tells the webhooks of a site how far its log goes, a little after something has happened. What has happened they read
 * from the log themselves, when they can send it; so it costs a turn nothing, however much there is. How far they know is
 * theirs to keep: after a sleep they are told again. Where nobody wants to be told, nothing is done.
 * @module
 */
import { load } from '../load.ts';

/** If we die in between, an alarm tells so many milliseconds later. */
const SURE_MS = 5_000;

/** How far the log of a site goes. */
export interface News {
  /** Random for each storage of the Switchboard: with a number it names an event. */
  readonly epoch: string;
  /** What happened until here is not to be told. */
  readonly since: number;
  /** All until here is in the log. */
  readonly upto: number;
  /** The log keeps it for so long at least, in milliseconds. */
  readonly keptMs: number;
}

/** Where it goes. */
export interface Ways {
  readonly epoch: string;
  /** See {@link News}. */
  readonly keptMs: () => number;
  /** Tells the webhooks of `tenant/site`: gives whether anybody wants to be told. */
  readonly tell: (place: string, news: News) => Promise<boolean>;
  /** Nobody wants to be told any more. */
  readonly stopped: () => void;
}

/** Whose site this is, and until when nothing is to be told. */
type Wanted = { readonly place: string; readonly since: number };

export class Herald {
  readonly #sql: SqlStorage;
  readonly #ways: Ways;
  /** Undefined: nothing is to be told at all. */
  #wanted: Wanted | undefined;
  /** All until here is in the log. */
  #written: number;
  /** All until here is told; undefined after a sleep. */
  #told: number | undefined;
  /** When what is not told yet is to be told at the latest, in Unix milliseconds. */
  #due = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #telling: Promise<boolean> | undefined;
  /** Times that somebody asked to be told. */
  #asked = 0;

  /** @param written the last number that is in the log */
  constructor(sql: SqlStorage, written: number, ways: Ways) {
    this.#sql = sql;
    this.#ways = ways;
    this.#written = written;
    // The name of older releases, whose row is taken up.
    sql.exec(
      'CREATE TABLE IF NOT EXISTS hand_over (id INTEGER PRIMARY KEY, place TEXT NOT NULL, since INTEGER NOT NULL)',
    );
    this.#wanted = sql.exec<Wanted>('SELECT place, since FROM hand_over').toArray()[0];
  }

  /** Does anybody want to be told? */
  get on(): boolean {
    return this.#wanted !== undefined;
  }

  /** The webhooks of `tenant/site` are to be told what happens from now on. */
  begin(place: string): void {
    this.#asked++;
    if (this.on) return;
    this.#wanted = { place, since: this.#written };
    this.#told = this.#written;
    this.#sql.exec('INSERT INTO hand_over (id, place, since) VALUES (1, ?, ?)', place, this.#written);
  }

  /** When {@link run} is due, in Unix milliseconds; infinity for never. */
  get due(): number {
    return this.#due;
  }

  /** Something has happened, and all until that number is written. */
  wrote(written: number, now: number): void {
    this.#written = written;
    if (!this.on) return;
    this.#due = Math.min(this.#due, now + SURE_MS);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.run();
    }, load.gatherMs(now));
  }

  /** The alarm has come: after a sleep nobody knows whether all is told. */
  wake(now: number): void {
    if (!this.on || (this.#told !== undefined && this.#due > now)) return;
    this.#due = now + SURE_MS;
    void this.run();
  }

  /** Tells of all that is written now. Never rejects: what fails is tried again when it is {@link due}. */
  async run(): Promise<void> {
    const upto = this.#written;
    while (this.on && (this.#told ?? -1) < upto) {
      this.#telling ??= this.#tell().finally(() => {
        this.#telling = undefined;
      });
      if (!(await this.#telling)) return;
    }
  }

  /** The site is no more. */
  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#wanted = undefined;
  }

  /** Says whether it went well. */
  async #tell(): Promise<boolean> {
    if (!this.#wanted) return false;
    const { place, since } = this.#wanted;
    const { epoch, keptMs, tell } = this.#ways;
    const [asked, upto] = [this.#asked, this.#written];
    try {
      const isWanted = await tell(place, { epoch, since, upto, keptMs: keptMs() });
      if (!isWanted && asked === this.#asked) this.#stop();
    } catch (error) {
      console.warn('webhooks could not be told that something happened; it is tried again', error);
      return false;
    }
    this.#told = upto;
    // What was written meanwhile has a timer of its own.
    if (upto === this.#written) this.#due = Number.POSITIVE_INFINITY;
    return true;
  }

  #stop(): void {
    this.#wanted = undefined;
    this.#sql.exec('DELETE FROM hand_over');
    this.#ways.stopped();
  }
}
