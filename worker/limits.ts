/** How much of it: what exceeds a limit of the tenant is refused, and told when it may be tried again. @module */
import { code, failure, type RpcError, type RpcId, type RpcResponse } from '../shared/jsonrpc.ts';
import type { Method } from '../shared/methods.ts';
import type { Limits } from '../shared/policy.ts';
import { TokenBucket } from '../shared/token-bucket.ts';

/** What there is too much of. */
export interface Excess {
  readonly limit: keyof Limits;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number;
  readonly reason: string;
}

/** Whose messages are counted together: a socket, or what `callers.ts` has for one who asks without. */
export type Sender = WeakKey;

/** When a call or a session ends nobody knows: seconds after which one who waits for that may look again. */
export const LOOK_AGAIN_S = 5;

/**
 * Rates are counted in memory: an object sleeps only when it has had nothing to do for seconds, and then every bucket
 * is full. Limits come with each question, so that a new policy holds at once.
 */
export class Limiter {
  readonly #messages = new WeakMap<Sender, TokenBucket>();
  readonly #starts = new TokenBucket();

  /** A message came with so many requests. */
  message(sender: Sender, requests: number, limits: Limits, now: number): Excess | undefined {
    const bucket = this.#messages.get(sender) ?? new TokenBucket();
    this.#messages.set(sender, bucket);
    const rate = limits.messages_per_second;
    const wait = bucket.take(rate, now, requests);
    if (wait === 0) return undefined;
    const reason = `a session may send ${rate} messages a second; a batch counts as many as it holds`;
    return { limit: 'messages_per_second', retryAfter: seconds(wait), reason };
  }

  /**
   * A command is about to start.
   * @param inFlight commands of its session that run
   * @param standing calls made here that stand, and CallStarts that run
   */
  command(
    method: Method,
    { inFlight, standing }: { readonly inFlight: number; readonly standing: number },
    limits: Limits,
    now: number,
  ): Excess | undefined {
    if (inFlight >= limits.commands_in_flight) {
      const reason = `a session may have ${limits.commands_in_flight} commands under way; wait until one has ended`;
      return { limit: 'commands_in_flight', retryAfter: 1, reason };
    }
    if (method !== 'CallStart') return undefined;
    if (standing >= limits.standing_calls) {
      const reason = `${limits.standing_calls} calls of this site may stand at a time; wait until one has ended`;
      return { limit: 'standing_calls', retryAfter: LOOK_AGAIN_S, reason };
    }
    const wait = this.#starts.take(limits.starts_per_second, now);
    if (wait === 0) return undefined;
    const reason = `this site may start ${limits.starts_per_second} calls a second`;
    return { limit: 'starts_per_second', retryAfter: seconds(wait), reason };
  }
}

/** The error that says so. */
export function tooMuch({ limit, retryAfter, reason }: Excess): RpcError {
  return { code: code.tooMany, message: 'Too many', data: { retry_after: retryAfter, limit, reason } };
}

/** Answers a request that is not run. */
export function tooMany(id: RpcId, excess: Excess): RpcResponse {
  return failure(id, tooMuch(excess));
}

/** Whole ones, as `Retry-After` has them (RFC 9110 §10.2.3). */
function seconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
