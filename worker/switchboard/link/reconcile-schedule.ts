/**
 * When a reconciliation round is due: often while clients watch calls, so that a call that OpenSIPS does not know disappears
 * within 30 s; once an hour while nobody watches and calls are active; never otherwise.
 * @module
 */

/** Between the beginnings of two rounds while calls are watched, in milliseconds: with a round's length well under 30 s. */
export const ROUND_INTERVAL_MS = 12_000;

/** A client that has read calls counts as a watcher for this long, in milliseconds. */
export const WATCHED_AFTER_READ_MS = 60_000;

/** The time of the last read is stored for a hibernation at most this often, in milliseconds: each time costs a row. */
const READ_STORE_INTERVAL_MS = 20_000;

/** Between two rounds while calls are not watched, in milliseconds: the events that ended them may have been lost. */
export const UNWATCHED_INTERVAL_MS = 3_600_000;

/** The rows of the table. */
const HOURLY_ROUND_ROW = 1;
const LAST_READ_ROW = 2;

export class ReconcileSchedule {
  readonly #sql: SqlStorage;
  /** Unix milliseconds, as all times here. */
  #lastHourlyAt: number;
  #storedReadAt: number;
  #lastReadAt: number;
  /**
   * It is not known after a hibernation, so a round is due as soon as calls are watched. If it was counted from the wake-up, an
   * object that hibernates again before the next alarm would never begin a round.
   */
  #lastRoundAt: number;

  #latestBegan = Number.POSITIVE_INFINITY;

  constructor(sql: SqlStorage, now: number) {
    this.#sql = sql;
    this.#lastRoundAt = now - ROUND_INTERVAL_MS;
    sql.exec('CREATE TABLE IF NOT EXISTS reconcile_times (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)');
    const rows = sql.exec<{ id: number; at: number }>('SELECT id, at FROM reconcile_times').toArray();
    const timeOf = (row: number) => rows.find(({ id }) => id === row)?.at ?? 0;
    this.#lastHourlyAt = timeOf(HOURLY_ROUND_ROW);
    this.#storedReadAt = timeOf(LAST_READ_ROW);
    this.#lastReadAt = this.#storedReadAt;
  }

  /** A client has read calls. If nobody has watched before, a round is due at once. */
  onCallsRead(isWatched: boolean, now: number): void {
    if (!this.isWatched(isWatched, now))
      this.#lastRoundAt = Math.min(this.#lastRoundAt, now - ROUND_INTERVAL_MS);
    this.#lastReadAt = now;
    if (now - this.#storedReadAt < READ_STORE_INTERVAL_MS) return;
    this.#storedReadAt = now;
    this.#store(LAST_READ_ROW, now);
  }

  /** Returns whether clients watch calls, or have read them lately. */
  isWatched(isWatched: boolean, now: number): boolean {
    return isWatched || now < this.#lastReadAt + WATCHED_AFTER_READ_MS;
  }

  /**
   * When the next round is due, in Unix milliseconds; infinity for never.
   * @param oldestBegan when the oldest active call began
   */
  due(isWatched: boolean, oldestBegan: number): number {
    const next = this.#lastRoundAt + ROUND_INTERVAL_MS;
    if (isWatched || next < this.#lastReadAt + WATCHED_AFTER_READ_MS) return next;
    const began = Math.min(oldestBegan, this.#latestBegan);
    return Math.max(began, this.#lastHourlyAt) + UNWATCHED_INTERVAL_MS;
  }

  /** A round has begun. Its time is stored only if nobody watches. */
  onRoundBegun(isWatched: boolean, now: number): void {
    if (!this.isWatched(isWatched, now)) {
      this.#lastHourlyAt = now;
      this.#store(HOURLY_ROUND_ROW, now);
    }
    this.#lastRoundAt = now;
  }

  /** The clock was set back by `ms` milliseconds, to `now`. */
  onClockSetBack(ms: number, now: number): void {
    this.#lastReadAt -= ms;
    this.#storedReadAt -= ms;
    this.#lastRoundAt -= ms;
    this.#lastHourlyAt -= ms;
    // No call began later than now, whatever its record says.
    this.#latestBegan = now;
  }

  #store(id: number, at: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO reconcile_times (id, at) VALUES (?, ?)', id, at);
  }
}
