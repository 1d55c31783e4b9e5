/** Finds out whether an object can store data: when its storage or the disk is full, reads still succeed. @module */

/** How long a successful probe counts, in milliseconds. Each costs a row, whoever asks and however often. */
export const PROBE_INTERVAL_MS = 10_000;

export class WriteProbe {
  readonly #storage: DurableObjectStorage;
  /** The last probe that succeeded, in Unix milliseconds. */
  #succeededAt = Number.NEGATIVE_INFINITY;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /**
   * Resolves if a row could be written in the last {@link PROBE_INTERVAL_MS}. Otherwise rejects with the error of the storage.
   * @param now in Unix milliseconds
   */
  async check(now: number): Promise<void> {
    // A time in the future is from before the clock was set back.
    if (now >= this.#succeededAt && now < this.#succeededAt + PROBE_INTERVAL_MS) return;
    const { sql } = this.#storage;
    sql.exec('CREATE TABLE IF NOT EXISTS write_probe (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)');
    sql.exec('INSERT OR REPLACE INTO write_probe (id, at) VALUES (1, ?)', now);
    await this.#storage.sync();
    this.#succeededAt = now;
  }
}
