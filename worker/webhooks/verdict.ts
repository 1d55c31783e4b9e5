/** What comes of a try: the state machine of a delivery. Pure. @module */
import { waitAfter } from './schedule.ts';

/** How a try went. */
export type Result =
  | {
      readonly status: number;
      /** How long the receiver asks not to be troubled, in milliseconds. */
      readonly silence: number;
    }
  /** No answer came; the sentence says why. */
  | { readonly error: string };

/** Where it leads. */
export type Verdict =
  | { readonly is: 'delivered' }
  | {
      readonly is: 'waiting';
      /** When it is tried again, in Unix milliseconds. */
      readonly due: number;
      readonly error: string;
      readonly quietUntil?: number;
    }
  | {
      readonly is: 'failed';
      readonly error: string;
      readonly quietUntil?: number;
      /** The receiver wants nothing any more: why the endpoint is disabled. */
      readonly disable?: string;
    };

/** What the deployment and chance bring. */
export interface Terms {
  /** See {@link waitAfter}. */
  readonly schedule: readonly number[];
  /** From 0 to 1. */
  readonly random: number;
}

/**
 * @param tries with this one
 * @param now when it ended, in Unix milliseconds
 */
export function verdict(tries: number, result: Result, now: number, { schedule, random }: Terms): Verdict {
  if ('status' in result && result.status >= 200 && result.status < 300) return { is: 'delivered' };
  const error = 'error' in result ? result.error : reasonOf(result.status);
  if ('status' in result && result.status === 410) {
    return { is: 'failed', error, disable: 'it answered 410 Gone' };
  }
  const quiet = 'silence' in result && result.silence > 0 ? { quietUntil: now + result.silence } : {};
  const wait = waitAfter(tries, schedule, random);
  if (wait === undefined) return { is: 'failed', error, ...quiet };
  return { is: 'waiting', due: Math.max(now + wait, quiet.quietUntil ?? 0), error, ...quiet };
}

function reasonOf(status: number): string {
  if (status >= 300 && status < 400)
    return 'it redirects, which is not followed: give the address that it redirects to';
  if (status === 410) return 'it is gone: the endpoint was disabled';
  return 'only 2xx says that it was taken';
}
