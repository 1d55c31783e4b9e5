/**
 * How long a request may wait to be sent, and which requests are withdrawn once their command has failed or ended. A request that makes
 * a phone ring or changes a call is wanted now or not at all; one that ends a call, or only reads, is wanted until its deadline.
 * @module
 */
import { SEND_TIMEOUT_MS } from '../commands/deadlines.ts';
import type { PendingRequest } from './stored-command.ts';

/** The requests that start or change something for people. */
const STARTING_METHODS: ReadonlySet<string> = new Set<PendingRequest['command']['method']>([
  't_uac_dlg',
  'refer',
  'hold',
  'call_transfer',
  'call_hold',
  'call_unhold',
]);

/** Returns whether a request starts or changes something, so that it must not be late. */
export function mustNotBeLate({ command }: Pick<PendingRequest, 'command'>): boolean {
  return STARTING_METHODS.has(command.method);
}

/** Returns until when a new request may be sent, in Unix milliseconds; undefined if only its deadline counts. */
export function sendByOf(
  request: Pick<PendingRequest, 'command' | 'deadline'>,
  now: number,
): number | undefined {
  return mustNotBeLate(request) ? Math.min(now + SEND_TIMEOUT_MS, request.deadline) : undefined;
}

/** The times that a request to the adapter carries. `ttl_ms` is 0 for one that it must not begin any more. */
export interface WireTimes {
  readonly timeout_ms: number;
  readonly ttl_ms: number;
  readonly send_within_ms?: number;
  readonly sent_at?: number;
}

/** Returns the times of a request that is sent now, for the first time or again. */
export function wireTimes({ deadline, sendBy }: PendingRequest, now: number): WireTimes {
  const remaining = deadline - now;
  if (sendBy === undefined) return { timeout_ms: remaining, ttl_ms: remaining };
  if (sendBy <= now) return { timeout_ms: remaining, ttl_ms: 0 };
  const sendWithin = sendBy < deadline ? { send_within_ms: sendBy - now } : {};
  return { timeout_ms: remaining, ttl_ms: remaining, ...sendWithin, sent_at: now };
}
