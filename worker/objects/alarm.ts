/** The alarm of a Durable Object: one for all its deadlines. @module */

/** When a failed alarm is set again, in milliseconds. The platform's own retries stop after six. */
const RETRY_DELAY_MS = 5_000;

/**
 * An alarm that is this late, in milliseconds, counts as lost. The platform delivers most within seconds, and some a minute late; to set
 * one again that comes after all costs a row.
 */
const LOST_AFTER_MS = 5_000;

/**
 * An alarm that is only ever moved forward: one that fires too early finds nothing to do. One that never came is set again by the next
 * turn.
 */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at = Number.POSITIVE_INFINITY;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Reads from storage when the alarm is set. */
  async load(): Promise<void> {
    this.#at = (await this.#storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
  }

  onFired(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Sets the alarm again after its handler has failed. */
  async retry(now: number): Promise<void> {
    this.#at = now + RETRY_DELAY_MS;
    await this.#storage.setAlarm(this.#at);
  }

  /** Returns when the alarm fires, in Unix milliseconds; infinity where it is not set, or was lost. */
  at(now: number): number {
    return this.#at < now - LOST_AFTER_MS ? Number.POSITIVE_INFINITY : this.#at;
  }

  /** Makes the alarm fire at `due` (Unix milliseconds) at the latest. */
  arm(due: number, now: number): void {
    if (due >= this.at(now)) return;
    this.#at = due;
    void this.#storage.setAlarm(due);
  }

  /** Cancels the alarm, because nothing is due any more. */
  async cancel(): Promise<void> {
    this.#at = Number.POSITIVE_INFINITY;
    await this.#storage.deleteAlarm();
  }
}
