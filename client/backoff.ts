/** How long to wait before the next attempt: full jitter, so that many who were cut off do not come back at once. @module */

/** Milliseconds; the same as the adapter's. */
export const BACKOFF_MS = { first: 500, most: 30_000 } as const;

export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  /** @param random at least 0, below 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Attempts since the last that worked. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    const bound = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** this.#attempts++);
    return Math.ceil(this.#random() * bound);
  }

  /** An attempt has worked. */
  reset(): void {
    this.#attempts = 0;
  }
}
