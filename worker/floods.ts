/**
 * Floods: who goes on sending far beyond its limit, whatever it is answered, is closed and kept out for a while. Each
 * refusal costs the object some of the time that its tenant's honest users need.
 * @module
 */
import { TokenBucket } from '../shared/token-bucket.ts';
import type { Sender } from './limits.ts';

/** Times its rate that one may be refused without being taken for a flood; for a second, twice as often. */
const PATIENCE = 10;

/** Seconds that a subject whose socket was closed for a flood opens no other. */
export const BARRED_S = 10;

/** Counted in memory: an object that is flooded does not sleep. */
export class Floods {
  readonly #refused = new WeakMap<Sender, TokenBucket>();
  /** Until when, in Unix milliseconds, by subject; those whose time is over go when the next one comes. */
  readonly #barred = new Map<string, number>();

  /**
   * So many requests were refused for their number.
   * @param rate requests a second that are not refused
   * @returns whether that is a flood; its subject is barred from now on
   */
  refused(sender: Sender, subject: string, requests: number, rate: number, now: number): boolean {
    const bucket = this.#refused.get(sender) ?? new TokenBucket();
    this.#refused.set(sender, bucket);
    if (bucket.take(rate * PATIENCE, now, requests) === 0) return false;
    for (const [each, until] of this.#barred) if (until <= now) this.#barred.delete(each);
    this.#barred.set(subject, now + BARRED_S * 1_000);
    return true;
  }

  /** Whether that subject may open no socket now. */
  isBarred(subject: string, now: number): boolean {
    return (this.#barred.get(subject) ?? 0) > now;
  }
}
