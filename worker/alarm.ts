/** The alarm of an object. @module */

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

  /** When it comes, in Unix milliseconds; infinity where it is not set. */
  get at(): number {
    return this.#at;
  }

  /** Something is due at `due`, in Unix milliseconds. */
  arm(due: number): void {
    if (due >= this.#at) return;
    this.#at = due;
    void this.#storage.setAlarm(due);
  }

  /** Nothing is due any more. */
  async drop(): Promise<void> {
    this.#at = Number.POSITIVE_INFINITY;
    await this.#storage.deleteAlarm();
  }
}
