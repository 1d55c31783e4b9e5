/** A token bucket: limits a rate and permits bursts. @module */

/** How long it takes until an empty bucket is full, in seconds, unless its owner says otherwise. */
const DEFAULT_BURST_S = 2;

export class TokenBucket {
  readonly #burstSeconds: number;
  /** In thousandths of a token: a millisecond adds as many as the rate, so that whole rates are exact. */
  #thousandths = Number.POSITIVE_INFINITY;
  #updatedAt = 0;

  /** @param burstSeconds the bucket holds what the rate adds in this time, but at least one token */
  constructor(burstSeconds = DEFAULT_BURST_S) {
    this.#burstSeconds = burstSeconds;
  }

  /**
   * Takes all the tokens or none. If there is at least one token, all are granted and the missing ones become a debt: a
   * batch of any size gets through, and the next one waits correspondingly longer.
   *
   * @param rate tokens per second
   * @param now in milliseconds
   * @returns 0 if the tokens were granted; otherwise the milliseconds until a token is available
   */
  take(rate: number, now: number, count = 1): number {
    const wait = this.waitFor(rate, now);
    if (wait === 0) this.#thousandths -= 1_000 * count;
    return wait;
  }

  /** Returns the milliseconds until {@link take} grants tokens; 0 if it would grant them now. */
  waitFor(rate: number, now: number): number {
    this.#refill(rate, now);
    return this.#thousandths < 1_000 ? Math.ceil((1_000 - this.#thousandths) / rate) : 0;
  }

  /** Returns whether the bucket is as full as a new one. */
  isFull(rate: number, now: number): boolean {
    return this.#refill(rate, now) === this.#capacity(rate);
  }

  /** A clock that was set back adds nothing, but what follows counts from the new time. */
  #refill(rate: number, now: number): number {
    const elapsed = Math.max(0, now - this.#updatedAt);
    this.#updatedAt = now;
    this.#thousandths = Math.min(this.#capacity(rate), this.#thousandths + elapsed * rate);
    return this.#thousandths;
  }

  #capacity(rate: number): number {
    return 1_000 * Math.max(1, this.#burstSeconds * rate);
  }
}
