/** Computes the delays before a reconnect and before a refused request is sent again, with jitter so that clients spread out. @module */

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

/** The delay before a request is sent again if its refusal names none. */
const DEFAULT_RETRY_MS = 1_000;
/** The delay grows from here, also if each refusal asks for less. */
const FIRST_RETRY_MS = 100;
/** Limits are counted by the minute at most, and timers cannot count more than 2^31 - 1 ms. */
const MAX_RETRY_MS = 60_000;

/**
 * Returns the milliseconds to wait before a request that a rate limit has refused is sent again.
 * @param retryAfter `retry_after` of the refusal, in seconds; anything that is not a positive number is ignored
 * @param retries how often the request was sent again before
 * @param random from 0 up to, but not including, 1
 */
export function retryDelayMs(retryAfter: unknown, retries: number, random: number): number {
  const asked = typeof retryAfter === 'number' && retryAfter > 0 ? retryAfter * 1_000 : DEFAULT_RETRY_MS;
  return Math.min(MAX_RETRY_MS, Math.max(asked, FIRST_RETRY_MS * 2 ** retries)) * (1 + random);
}
