/**
 * Hands what happens at a site over to its webhooks, so that nothing is lost: how far they have got is theirs to keep,
 * and what they have not taken is handed over again; from memory, or from the log where we have slept meanwhile. Where
 * nobody wants to be told, nothing is done and nothing costs anything.
 * @module
 */
import type { HookEvent } from '../../shared/webhooks.ts';
import type { Item } from '../calls/watchers.ts';
import { load } from '../load.ts';
import { type Chunk, chunksOf, type Lined, lined, upToLength } from './chunk.ts';

/** If we die in between, an alarm hands it over so many milliseconds later. */
const SURE_MS = 5_000;

/** Numbers of the site in one hand-over: each has one event at most. */
const WINDOW = 2_000;

/** Characters in one: the platform carries 32 MB at most. */
const HANDED_LENGTH = 4_194_304;

/** So many events are held in memory; where more are not taken, they are read from the log. */
const HELD = 5_000;

/** Characters, if there are more the next are not held: an object may have 128 MB, for all that it does. */
const HELD_LENGTH = 16_777_216;

/** What the Switchboard hands over: all that happened at its site since it last did, up to a number. */
export interface Handed {
  /** Random for each storage of the Switchboard: with the number it names an event. */
  readonly epoch: string;
  readonly upto: number;
  readonly chunks: readonly Chunk[];
}

/** Where what happens comes from, and where it goes. */
export interface Ways {
  readonly epoch: string;
  /** The events after one number, up to another, from the log. */
  readonly events: (span: { readonly after: number; readonly upto: number }) => HookEvent[];
  /** What has happened, as an event. */
  readonly eventOf: (item: Item, at: number) => HookEvent;
  /** Hands over to the webhooks of `tenant/site`: gives how far all is taken, or null where nobody wants to be told. */
  readonly take: (place: string, handed: Handed) => Promise<number | null>;
  /** Nobody wants to be told any more. */
  readonly stopped: () => void;
}

export class HandOver {
  readonly #sql: SqlStorage;
  readonly #ways: Ways;
  /** Whose site this is, and until when nothing is to be told; undefined: nothing is at all. */
  #told: Told | undefined;
  /** All until here is in the log. */
  #written: number;
  /** What has happened after {@link #heldFrom} and is not taken yet, in order. */
  #held: Lined[] = [];
  #heldLength = 0;
  #heldFrom: number;
  /** All until here is taken; undefined after a sleep. */
  #taken: number | undefined;
  /** When what is not taken yet is to be handed over at the latest, in Unix milliseconds. */
  #due = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  /** Times that somebody asked to be told. */
  #asked = 0;

  /** @param written the last number that is in the log */
  constructor(sql: SqlStorage, written: number, ways: Ways) {
    this.#sql = sql;
    this.#ways = ways;
    this.#written = written;
    this.#heldFrom = written;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS hand_over (id INTEGER PRIMARY KEY, place TEXT NOT NULL, since INTEGER NOT NULL)',
    );
    this.#told = sql.exec<Told>('SELECT place, since FROM hand_over').toArray()[0];
  }

  /** Does anybody want to be told? */
  get on(): boolean {
    return this.#told !== undefined;
  }

  /** The webhooks of `tenant/site` are to be told what happens from now on. */
  begin(place: string): void {
    this.#asked++;
    if (this.on) return;
    this.#told = { place, since: this.#written };
    this.#sql.exec('INSERT INTO hand_over (id, place, since) VALUES (1, ?, ?)', place, this.#written);
  }

  /** When {@link run} is due, in Unix milliseconds; infinity for never. */
  get due(): number {
    return this.#due;
  }

  /** All until that number is written: this has happened since the last time. */
  wrote(written: number, happened: readonly Item[], now: number): void {
    this.#written = written;
    const isFull = this.#held.length + happened.length > HELD || this.#heldLength > HELD_LENGTH;
    if (!this.on || isFull) this.#letGo();
    else this.#hold(happened, now);
    if (!this.on) return;
    this.#due = Math.min(this.#due, now + SURE_MS);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.run();
    }, load.gatherMs(now));
  }

  /** The alarm has come: after a sleep nobody knows whether all is taken. */
  wake(now: number): void {
    if (!this.on || (this.#taken !== undefined && this.#due > now)) return;
    this.#due = now + SURE_MS;
    void this.run();
  }

  /** Hands over what is not taken yet. Never rejects: what fails is tried again when it is {@link due}. */
  run(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (await this.#once());
      this.#due = Number.POSITIVE_INFINITY;
    } catch (error) {
      console.warn('webhooks could not be handed what happened; it is tried again', error);
    }
  }

  /** The site is no more. */
  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#told = undefined;
  }

  /** Says whether there is more. */
  async #once(): Promise<boolean> {
    if (!this.#told) return false;
    const { place, since } = this.#told;
    const { epoch, events, take } = this.#ways;
    const asked = this.#asked;
    if (this.#taken === undefined) {
      const known = await take(place, { epoch, upto: 0, chunks: [] });
      if (known === null) return this.#stop(asked);
      this.#taken = Math.max(known, since);
    }
    const after = this.#taken;
    const end = Math.min(after + WINDOW, this.#written);
    if (end <= after) return false;
    const all =
      after < this.#heldFrom ? events({ after, upto: end }).map(lined) : this.#heldBetween(after, end);
    const some = upToLength(all, HANDED_LENGTH);
    const upto = some.length < all.length ? (some.at(-1)?.seq ?? end) : end;
    const taken = some.length > 0 ? await take(place, { epoch, upto, chunks: chunksOf(some) }) : upto;
    if (taken === null) return this.#stop(asked);
    this.#taken = Math.max(taken, upto);
    const first = this.#held.findIndex(({ seq }) => seq > upto);
    for (const { lines } of this.#held.splice(0, first < 0 ? this.#held.length : first))
      this.#heldLength -= lines.length;
    return true;
  }

  #heldBetween(after: number, upto: number): Lined[] {
    return this.#held.filter(({ seq }) => seq > after && seq <= upto);
  }

  #hold(happened: readonly Item[], now: number): void {
    const some = happened.map((item) => lined(this.#ways.eventOf(item, now)));
    this.#held.push(...some.sort((one, other) => one.seq - other.seq));
    for (const { lines } of some) this.#heldLength += lines.length;
  }

  /** What has happened until now is in the log only. */
  #letGo(): void {
    this.#held = [];
    this.#heldLength = 0;
    this.#heldFrom = this.#written;
  }

  /** Unless somebody asked in the meantime. Says whether there is more. */
  #stop(asked: number): boolean {
    if (asked !== this.#asked) return true;
    this.#told = undefined;
    this.#taken = undefined;
    this.#sql.exec('DELETE FROM hand_over');
    this.#ways.stopped();
    return false;
  }
}

type Told = { readonly place: string; readonly since: number };
