/** Computes the delay before each reconnect: exponential, with full jitter so that clients spread out. @module */

/** The same limits as the adapter's. */
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  /** @param random returns a number from 0 up to, but not including, 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Number of attempts since the last success. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Returns the milliseconds until the next attempt, and counts that attempt. */
  next(): number {
    const bound = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts++);
    return Math.ceil(this.#random() * bound);
  }

  /** Records a success: the next delay is short again. */
  reset(): void {
    this.#attempts = 0;
  }
}
