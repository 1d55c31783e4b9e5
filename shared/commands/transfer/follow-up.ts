/**
 * A refused call that may go on: after a 302, 401 or 407 the phone sends a new INVITE with the same Call-ID, for which OpenSIPS
 * creates another dialog (trace `callee-followed`).
 * @module
 */
import { dialogState } from '../../opensips/evi.ts';
import { FOLLOW_UP_TIMEOUT_MS } from '../deadlines.ts';
import { notDoneFailure, sipFailure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import { FAILED, fail } from './outcome.ts';
import type { Transfer, TransferProgress } from './state.ts';

const STATUS_UNKNOWN =
  'transfer failed: the call to the destination has ended, and its SIP status is not known';

/** Returns whether a phone may go on with the same Call-ID after this SIP status line (RFC 3261 §8.1.3.4 and §22). */
export function mayFollow(status: string): boolean {
  return /^(3\d\d|401|407)/.test(status);
}

/** The shortest `fr_timeout` of OpenSIPS, which is in whole seconds. */
const SHORTEST_SIP_TIMEOUT_MS = 1_000;

/**
 * Returns whether a 408 came sooner than any timer of OpenSIPS. callops makes it up for a call that the script has challenged after
 * `create_dialog()`, and the phone goes on (measured on 3.4, 3.6 and 4.0).
 * @param at when the event arrived, in milliseconds of the adapter's clock
 */
export function isEarlyTimeout(transfer: Transfer, status: string, at: number): boolean {
  const { newCallAt } = transfer;
  return newCallAt !== undefined && at - newCallAt < SHORTEST_SIP_TIMEOUT_MS && status.startsWith('408');
}

/** Waits for the phone to go on. `status` is empty if it is not known. */
export function awaitFollowUp(transfer: Transfer, status: string, actions: StepActions): void {
  transfer.refusedStatus = status;
  actions.stopTimers('outcome');
  actions.startTimer('follow-up', FOLLOW_UP_TIMEOUT_MS);
}

/** The call goes on. */
export function onFollowed(transfer: Transfer, actions: StepActions): void {
  if (transfer.refusedStatus === undefined) return;
  delete transfer.refusedStatus;
  transfer.isFollowUpRead = false;
  transfer.lastNotifyStatus = '';
  actions.stopTimers('follow-up', 'outcome');
}

/**
 * The phone has not gone on, as far as events have shown. Returns whether OpenSIPS must be asked, because the events of the new dialog
 * may be lost; it need not if one of them came before the refusal of the old dialog.
 */
export function onFollowUpTimeout(transfer: Transfer): boolean {
  const { newDialogState } = transfer;
  transfer.isFollowUpRead = newDialogState === 0 || newDialogState === dialogState.ended;
  if (!transfer.isFollowUpRead) delete transfer.refusedStatus;
  return transfer.isFollowUpRead;
}

/** OpenSIPS knows no dialog of the call that has not ended: the phone has not gone on. */
export function failNotFollowed(transfer: Transfer): TransferProgress[] {
  const { refusedStatus = '' } = transfer;
  return fail(
    transfer,
    refusedStatus === '' ? notDoneFailure(STATUS_UNKNOWN) : sipFailure(FAILED, refusedStatus),
  );
}
