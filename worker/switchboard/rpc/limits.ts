/** Enforces the limits of commands and calls. What clients cost otherwise is counted in `charges.ts`. @module */
import type { Limits } from '../../../shared/policy/policy.ts';
import { TokenBucket } from '../../../shared/policy/token-bucket.ts';
import type { Problem } from '../../../shared/protocol/http/problem.ts';
import type { CallCommand } from '../../../shared/protocol/rpc/commands.ts';
import {
  errorCode,
  errorResponse,
  type RpcError,
  type RpcId,
  type RpcResponse,
} from '../../../shared/protocol/rpc/jsonrpc.ts';
import { problemOf, RETRY_AFTER_S } from '../../errors/problem.ts';

/** A limit that a request would exceed. */
export interface LimitExceeded {
  readonly limit: keyof Limits;
  /** Seconds after which the client should try again. */
  readonly retryAfter: number;
  readonly reason: string;
}

/** What the commands and calls of a site take. */
interface SiteLoad {
  readonly inFlight: number;
  readonly activeCalls: number;
  readonly isStorageFull: boolean;
}

/**
 * Counts against the limits. Rates are counted in memory: an object hibernates only after seconds without work, when every bucket
 * is full again. The limits are passed with each request, so that a new policy applies at once.
 */
export class Limiter {
  readonly #starts = new TokenBucket();

  /**
   * Counts a command that is about to start. Returns the limit that it exceeds, if any.
   * @param inFlight running commands of its session
   * @param activeCalls active calls that commands have made, and running CallStarts
   * @param isStorageFull whether there is no room for what a command stores. A CallEnd, which makes room, is let through
   */
  countCommand(
    method: CallCommand,
    { inFlight, activeCalls, isStorageFull }: SiteLoad,
    limits: Limits,
    now: number,
  ): LimitExceeded | undefined {
    if (inFlight >= limits.commands_in_flight) {
      const reason = `A session may have ${limits.commands_in_flight} running commands. Wait until one has ended.`;
      return { limit: 'commands_in_flight', retryAfter: 1, reason };
    }
    if (isStorageFull && method !== 'CallEnd') {
      const reason = `The running commands of this site take all of its ${limits.stored_bytes} bytes. Wait until some have ended.`;
      return { limit: 'stored_bytes', retryAfter: RETRY_AFTER_S, reason };
    }
    if (method !== 'CallStart') return undefined;
    if (activeCalls >= limits.standing_calls) {
      const reason = `This site may have ${limits.standing_calls} active calls. Wait until one has ended.`;
      return { limit: 'standing_calls', retryAfter: RETRY_AFTER_S, reason };
    }
    const wait = this.#starts.take(limits.starts_per_second, now);
    if (wait === 0) return undefined;
    const reason = `This site may start ${limits.starts_per_second} calls per second. Wait, and try again.`;
    return { limit: 'starts_per_second', retryAfter: wholeSeconds(wait), reason };
  }
}

/** Returns the JSON-RPC error for an exceeded limit. */
export function tooManyError({ limit, retryAfter, reason }: LimitExceeded): RpcError {
  return { code: errorCode.tooMany, message: 'Too many', data: { retry_after: retryAfter, limit, reason } };
}

/** Returns the problem that a connection gets for an exceeded limit. */
export function tooManyProblem(exceeded: LimitExceeded): Problem {
  return problemOf(tooManyError(exceeded));
}

/** Answers a request that exceeds a limit. */
export function tooManyResponse(id: RpcId, exceeded: LimitExceeded): RpcResponse {
  return errorResponse(id, tooManyError(exceeded));
}

/** Rounds up to whole seconds, as `Retry-After` takes them (RFC 9110 §10.2.3). */
export function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}
