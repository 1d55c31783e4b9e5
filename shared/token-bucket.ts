/** A rate with a burst: tokens drip into a bucket, and whoever takes one that is not there has to wait. @module */

export class TokenBucket {
  /** Thousandths of a token: a millisecond brings as many as the rate is, so whole rates are counted exactly. */
  #thousandths = Number.POSITIVE_INFINITY;
  #at = 0;

  /**
   * Takes so many at once, or none. Where one is there all are given, and what was given beyond the last is owed: so
   * a batch of any size has its turn, and pays for it by the next one's wait.
   *
   * @param rate tokens a second; the bucket holds twice as many, one at least
   * @param now in milliseconds
   * @returns milliseconds until one is there again; 0 where they were given
   */
  take(rate: number, now: number, count = 1): number {
    const elapsed = Math.max(0, now - this.#at);
    this.#at = Math.max(now, this.#at);
    this.#thousandths = Math.min(1_000 * Math.max(1, 2 * rate), this.#thousandths + elapsed * rate);
    if (this.#thousandths < 1_000) return Math.ceil((1_000 - this.#thousandths) / rate);
    this.#thousandths -= 1_000 * count;
    return 0;
  }
}
