/** What an attempt leads to: the state machine of a delivery. Pure. @module */
import { retryDelayMs } from './retry-schedule.ts';

/** How an attempt went. */
export type AttemptResult =
  | {
      readonly status: number;
      /** What the receiver's `Retry-After` asks for, in milliseconds; 0 for none. */
      readonly retryAfterMs: number;
    }
  /** No response arrived, and why. */
  | { readonly error: string };

/** The state of a delivery after an attempt. */
export type DeliveryOutcome =
  | { readonly state: 'delivered' }
  | {
      readonly state: 'waiting';
      /** When the next attempt is due, in Unix milliseconds. */
      readonly due: number;
      readonly error: string;
      /** Nothing is sent to the endpoint before that time, in Unix milliseconds. */
      readonly quietUntil?: number;
    }
  | {
      readonly state: 'failed';
      readonly error: string;
      readonly quietUntil?: number;
      /** Why the endpoint is disabled. */
      readonly disable?: string;
    };

/** What an outcome depends on, beside the result. */
export interface AttemptTerms {
  /** See {@link retryDelayMs}. */
  readonly schedule: readonly number[];
  readonly random: number;
  /** An administrator has changed the URL, or has enabled or disabled the endpoint, during the attempt. */
  readonly isEndpointChanged: boolean;
}

/**
 * Returns the outcome of an attempt. What it says of the endpoint counts only if that is still the same.
 * @param attemptCount attempts made, including this one
 * @param now when the attempt ended, in Unix milliseconds
 */
export function outcomeOf(
  attemptCount: number,
  result: AttemptResult,
  now: number,
  { schedule, random, isEndpointChanged }: AttemptTerms,
): DeliveryOutcome {
  if ('status' in result && result.status >= 200 && result.status < 300) return { state: 'delivered' };
  const error = 'error' in result ? result.error : statusError(result.status);
  if ('status' in result && result.status === 410 && !isEndpointChanged) {
    return { state: 'failed', error: GONE_ERROR, disable: 'The endpoint answered 410 Gone.' };
  }
  const isQuiet = 'status' in result && result.retryAfterMs > 0 && !isEndpointChanged;
  const quiet = isQuiet ? { quietUntil: now + result.retryAfterMs } : {};
  const delayMs = retryDelayMs(attemptCount, schedule, random);
  if (delayMs === undefined) return { state: 'failed', error, ...quiet };
  return { state: 'waiting', due: Math.max(now + delayMs, quiet.quietUntil ?? 0), error, ...quiet };
}

const GONE_ERROR =
  'The endpoint answered 410 Gone and was disabled. Enable it when it accepts webhooks again.';

function statusError(status: number): string {
  if (status >= 300 && status < 400)
    return `The endpoint answered ${status}, and redirects are not followed. Set the URL that it redirects to.`;
  return `The endpoint answered ${status}. Answer with a status from 200 to 299 to confirm a delivery.`;
}
