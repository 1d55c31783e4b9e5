/** The alarm of an object. @module */
import { QUIET_MS } from '../shared/deadlines.ts';

/** An alarm further ahead than this, in milliseconds, is set for its own sake: no command's first wait is so long. */
const FAR_MS = 10_000;

/** After an alarm that failed, in milliseconds: the platform itself gives up after six. */
const RETRY_MS = 5_000;

/** One alarm for all deadlines. It is only brought forward: one that comes too early finds nothing to do. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at = Number.POSITIVE_INFINITY;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Finds out when it is set. */
  async find(): Promise<void> {
    this.#at = (await this.#storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
  }

  /** It has come. */
  came(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** What it came for has failed: it comes again. */
  async retry(now: number): Promise<void> {
    this.#at = now + RETRY_MS;
    await this.#storage.setAlarm(this.#at);
  }

  /**
   * Something is due at `due`, in Unix milliseconds. Setting the alarm costs a row, so one that must come forward
   * comes far enough for the short waits that will follow.
   */
  arm(due: number, now: number): void {
    if (due >= this.#at) return;
    const alone = this.#at === Number.POSITIVE_INFINITY || due > now + FAR_MS;
    this.#at = alone ? due : Math.min(due, now + QUIET_MS);
    void this.#storage.setAlarm(this.#at);
  }

  /** Nothing is due any more. */
  async drop(): Promise<void> {
    this.#at = Number.POSITIVE_INFINITY;
    await this.#storage.deleteAlarm();
  }
}
