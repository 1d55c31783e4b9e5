/**
 * When OpenSIPS is asked which calls it has: often while somebody looks, so that a call that it does not know is gone
 * within 30 s; once an hour while nobody does and something stands; never otherwise.
 * @module
 */

/** Between the beginnings of two rounds while somebody looks, in milliseconds: with a round's length well under 30 s. */
export const ROUND_MS = 12_000;

/** One who has asked for calls looks for so long, in milliseconds. */
export const LOOKS_MS = 60_000;

/** A look is remembered through a sleep if the last that was is so old, in milliseconds: each costs a row. */
const REMEMBERED_MS = 20_000;

/** Calls that stand so long unseen are asked for, in milliseconds: what ended one may have been lost on the way. */
export const SURVEY_MS = 3_600_000;

export class Rounds {
  readonly #sql: SqlStorage;
  /** Unix milliseconds: the last round by the clock, and the last look that is remembered. */
  #hourly: number;
  #remembered: number;
  #lookedAt: number;
  /**
   * When the last has begun. After a sleep nobody knows, so one is due as soon as somebody looks: counted from the
   * waking, an object that each alarm wakes and that sleeps again before the next would never begin one.
   */
  #begunAt: number;

  constructor(sql: SqlStorage, now: number) {
    this.#sql = sql;
    this.#begunAt = now - ROUND_MS;
    sql.exec('CREATE TABLE IF NOT EXISTS rounds (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)');
    const rows = sql.exec<{ id: number; at: number }>('SELECT id, at FROM rounds').toArray();
    const of = (wanted: number) => rows.find(({ id }) => id === wanted)?.at ?? 0;
    this.#hourly = of(HOURLY);
    this.#remembered = of(LOOK);
    this.#lookedAt = this.#remembered;
  }

  /** Somebody looks. The first is not kept waiting. */
  looked(watched: boolean, now: number): void {
    if (!this.isLooked(watched, now)) this.#begunAt = Math.min(this.#begunAt, now - ROUND_MS);
    this.#lookedAt = now;
    if (now - this.#remembered < REMEMBERED_MS) return;
    this.#remembered = now;
    this.#write(LOOK, now);
  }

  /** Does anybody look? */
  isLooked(watched: boolean, now: number): boolean {
    return watched || now < this.#lookedAt + LOOKS_MS;
  }

  /**
   * When the next is due, in Unix milliseconds; infinity for never.
   * @param oldest when the oldest call that stands began
   */
  due(watched: boolean, oldest: number): number {
    const next = this.#begunAt + ROUND_MS;
    if (watched || next < this.#lookedAt + LOOKS_MS) return next;
    return Math.max(oldest, this.#hourly) + SURVEY_MS;
  }

  /** One has begun. Only one that nobody waited for is remembered. */
  begun(watched: boolean, now: number): void {
    if (!this.isLooked(watched, now)) {
      this.#hourly = now;
      this.#write(HOURLY, now);
    }
    this.#begunAt = now;
  }

  #write(id: number, at: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO rounds (id, at) VALUES (?, ?)', id, at);
  }
}

const HOURLY = 1;
const LOOK = 2;
