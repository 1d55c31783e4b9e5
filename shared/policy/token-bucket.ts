/** A token bucket: limits a rate and permits bursts. @module */

export class TokenBucket {
  /** In thousandths of a token: a millisecond adds as many as the rate, so that whole rates are exact. */
  #thousandths = Number.POSITIVE_INFINITY;
  #updatedAt = 0;

  /**
   * Takes all the tokens or none. If there is at least one token, all are granted and the missing ones become a debt: a
   * batch of any size gets through, and the next one waits correspondingly longer.
   *
   * @param rate tokens per second; the bucket holds twice as many, but at least one
   * @param now in milliseconds
   * @returns 0 if the tokens were granted; otherwise the milliseconds until a token is available
   */
  take(rate: number, now: number, count = 1): number {
    const elapsed = Math.max(0, now - this.#updatedAt);
    // Also if the clock was set back: otherwise nothing would be added until it reaches the old time.
    this.#updatedAt = now;
    this.#thousandths = Math.min(1_000 * Math.max(1, 2 * rate), this.#thousandths + elapsed * rate);
    if (this.#thousandths < 1_000) return Math.ceil((1_000 - this.#thousandths) / rate);
    this.#thousandths -= 1_000 * count;
    return 0;
  }
}
