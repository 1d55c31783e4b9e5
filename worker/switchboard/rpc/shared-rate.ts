/** A rate that each subject has for itself, and all subjects of a site together. @module */
import { TokenBucket } from '../../../shared/policy/token-bucket.ts';

/** In tokens per second. */
export interface Rates {
  readonly subject: number;
  readonly total: number;
}

/** Which of the two rates does not permit a request, and for how long, in milliseconds. */
export interface RateExceeded {
  readonly of: keyof Rates;
  readonly wait: number;
}

/** Buckets that are examined for each new one: more than one, so that there are never many more than are in use. */
const EXAMINED_PER_NEW_BUCKET = 2;

/**
 * Keeps the bucket of a subject only until it is full again, because a new one is no different. So the number of buckets does not
 * grow with the number of subjects that there have been.
 */
export class SharedRate {
  readonly #burstSeconds: number | undefined;
  readonly #total: TokenBucket;
  /** By subject, in the order in which they are examined next. */
  readonly #buckets = new Map<string, TokenBucket>();

  /**
   * @param burstSeconds of each subject: see {@link TokenBucket}
   * @param totalBurstSeconds of all subjects together
   */
  constructor(burstSeconds?: number, totalBurstSeconds = burstSeconds) {
    this.#burstSeconds = burstSeconds;
    this.#total = new TokenBucket(totalBurstSeconds);
  }

  /** How many subjects are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes tokens from the subject and from all, or from neither. What exceeds the tokens that are there becomes a debt, as
   * {@link TokenBucket.take} describes.
   * @param count 0 only asks whether tokens would be granted
   * @param now in milliseconds
   * @returns which rate is exceeded; undefined if the tokens were granted
   */
  take(subject: string, count: number, rates: Rates, now: number): RateExceeded | undefined {
    const known = this.#buckets.get(subject);
    const bucket = known ?? new TokenBucket(this.#burstSeconds);
    const wait = bucket.waitFor(rates.subject, now);
    if (wait > 0) return { of: 'subject', wait };
    const totalWait = this.#total.take(rates.total, now, count);
    if (totalWait > 0) return { of: 'total', wait: totalWait };
    bucket.take(rates.subject, now, count);
    if (!known && count > 0) {
      this.#forgetFullBuckets(rates.subject, now);
      this.#buckets.set(subject, bucket);
    }
    return undefined;
  }

  #forgetFullBuckets(rate: number, now: number): void {
    let left = Math.min(EXAMINED_PER_NEW_BUCKET, this.#buckets.size);
    for (const [subject, bucket] of this.#buckets) {
      if (left-- === 0) return;
      this.#buckets.delete(subject);
      if (!bucket.isFull(rate, now)) this.#buckets.set(subject, bucket);
    }
  }
}
