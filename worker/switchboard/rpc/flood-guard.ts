/**
 * Blocks clients that go on sending far beyond their limit although they are rejected: each rejection takes time from the other
 * users of the site.
 * @module
 */
import type { Limits } from '../../../shared/policy/policy.ts';
import { errorCode } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { problemOf } from '../../errors/problem.ts';
import { TOTAL_BURST_S } from './charges.ts';
import { SharedRate } from './shared-rate.ts';

/** Rejections of a subject that are tolerated, as a multiple of its rate limit; for a second, twice as many. */
const TOLERATED_EXCESS = 10;

/**
 * The same for all subjects together, but half as many in a burst as in a second: 6,000 messages a second delayed the answers to other
 * tenants by up to 1.6 s (measured).
 */
const TOLERATED_TOTAL_EXCESS = 2;

/** While all subjects together flood, the rejections of one that are tolerated, as a part of its rate limit. */
const TOLERATED_IN_FLOOD = 0.2;

/** More than any rate. */
const NO_TOTAL = Number.MAX_SAFE_INTEGER;

/** Flooding subjects that it takes until the site's tolerance is used up, if its share of the tenant's limit is small. */
const MIN_FLOODING_SUBJECTS = 2;

/**
 * A rejected message counts as one request for each so many characters, because it has been parsed: the longest one takes 64 times
 * as long as a short request.
 */
const CHARACTERS_PER_REJECTION = 1_024;

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

/** What was rejected. */
export interface RejectedMessage {
  readonly requests: number;
  readonly characters: number;
}

/** Counts in memory: an object under a flood does not hibernate. */
export class FloodGuard {
  readonly #rejections = new SharedRate(undefined, TOTAL_BURST_S);
  /** See {@link TOLERATED_IN_FLOOD}. */
  readonly #ownRejections = new SharedRate();
  /** By subject, in Unix milliseconds, the earliest first. Expired entries are removed with the next block. */
  readonly #blockedUntil = new Map<string, number>();

  /**
   * Counts a rejected message, whatever it was sent over. Returns whether it belongs to a flood: one of its subject, or one of many
   * subjects together. The subject is blocked then.
   */
  onRejected(
    subject: string,
    { requests, characters }: RejectedMessage,
    { messages_per_second: perSecond, tenant_messages_per_second: total }: Limits,
    now: number,
  ): boolean {
    const count = Math.max(requests, Math.ceil(characters / CHARACTERS_PER_REJECTION));
    const rates = {
      subject: TOLERATED_EXCESS * perSecond,
      total: TOLERATED_TOTAL_EXCESS * Math.max(total, MIN_FLOODING_SUBJECTS * perSecond),
    };
    const exceeded = this.#rejections.take(subject, count, rates, now);
    const own = this.#ownRejections.take(
      subject,
      count,
      { subject: TOLERATED_IN_FLOOD * perSecond, total: NO_TOTAL },
      now,
    );
    if (!exceeded || (exceeded.of === 'total' && !own)) return false;
    for (const each of this.#blockedUntil.keys()) {
      if (this.isBlocked(each, now)) break;
      this.#blockedUntil.delete(each);
    }
    this.#blockedUntil.delete(subject);
    this.#blockedUntil.set(subject, now + BLOCKED_S * 1_000);
    return true;
  }

  /** Returns whether a subject is blocked. A clock that was set back blocks nobody for longer. */
  isBlocked(subject: string, now: number): boolean {
    const left = (this.#blockedUntil.get(subject) ?? 0) - now;
    return left > 0 && left <= BLOCKED_S * 1_000;
  }
}
