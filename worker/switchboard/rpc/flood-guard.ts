/**
 * Blocks clients that go on sending far beyond their limit although they are rejected: each rejection takes time from the other
 * users of the site.
 * @module
 */
import { TokenBucket } from '../../../shared/policy/token-bucket.ts';
import { errorCode } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { problemOf } from '../../errors/problem.ts';
import type { Sender } from './limits.ts';

/** Rejections that are tolerated, as a multiple of the sender's rate limit; for a second, twice as many. */
const TOLERATED_EXCESS = 10;

/** Seconds for which a subject cannot connect after a flood. */
export const BLOCKED_S = 10;

/** The answer to a blocked subject. */
export const BLOCKED_FOR_FLOOD = problemOf({
  code: errorCode.tooMany,
  message: 'Too many',
  data: {
    retry_after: BLOCKED_S,
    reason: `This subject is blocked because it kept sending after its messages were rejected. Try again in ${BLOCKED_S} s.`,
  },
});

/** Counts in memory: an object under a flood does not hibernate. */
export class FloodGuard {
  readonly #rejections = new WeakMap<Sender, TokenBucket>();
  /** By subject, in Unix milliseconds. Expired entries are removed with the next block. */
  readonly #blockedUntil = new Map<string, number>();

  /**
   * Counts rejected requests. Returns whether they are a flood; the subject is blocked then.
   * @param rate the sender's limit in requests a second
   */
  onRejected(sender: Sender, subject: string, requests: number, rate: number, now: number): boolean {
    const bucket = this.#rejections.get(sender) ?? new TokenBucket();
    this.#rejections.set(sender, bucket);
    if (bucket.take(rate * TOLERATED_EXCESS, now, requests) === 0) return false;
    for (const [each, until] of this.#blockedUntil) if (until <= now) this.#blockedUntil.delete(each);
    this.#blockedUntil.set(subject, now + BLOCKED_S * 1_000);
    return true;
  }

  isBlocked(subject: string, now: number): boolean {
    const until = this.#blockedUntil.get(subject) ?? 0;
    // A block that ends too late was set before the clock was set back.
    return until > now && until <= now + BLOCKED_S * 1_000;
  }
}
