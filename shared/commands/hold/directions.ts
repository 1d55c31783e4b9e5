/** What hold and unhold have in common. @module */
import type { Leg } from '../../opensips/evi.ts';
import { type Failure, notDoneFailure } from '../failures.ts';

/** The two directions: their MI command, the `action` in E_CALL_HOLD, the request to a phone, and the prefix of their notifications. */
export const directions = {
  hold: { method: 'call_hold', request: 'hold', opposite: 'resume', prefix: 'CallHold' },
  unhold: { method: 'call_unhold', request: 'resume', opposite: 'hold', prefix: 'CallUnhold' },
} as const;

export type HoldAction = keyof typeof directions;

export interface HoldParams {
  readonly callid: string;
  /** The only leg to change. Without it both change. */
  readonly leg?: Leg | undefined;
}

/** The call has ended before its phones have answered. */
export function callEndedFailure(action: HoldAction): Failure {
  return notDoneFailure(`${action} failed: the call ended`);
}
