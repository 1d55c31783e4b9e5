/**
 * A new call that the routing script refuses before it rings. OpenSIPS raises no event of the transfer then. The example script's
 * own event tells the status; without it there is only the end of an unknown dialog.
 * @module
 */
import type { z } from 'zod';
import { type DialogEvent, dialogState, type RefusedEvent } from '../../opensips/evi.ts';
import { FOLLOW_UP_TIMEOUT_MS, REFUSAL_GRACE_MS } from '../deadlines.ts';
import { type Failure, refusedFailure, sipFailure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import { awaitFollowUp, mayFollow } from './follow-up.ts';
import { FAILED, fail } from './outcome.ts';
import { awaitsCall, type Transfer, type TransferProgress } from './state.ts';

/** OpenSIPS tells a call that the script has refused from one that no phone has responded to by its status only. */
const NOT_RUNG =
  'transfer failed: OpenSIPS refused the call to the destination before it rang, or no phone responded';

/** The script has refused a call. It is the new call if it has the transferred dialog's id. */
export function onScriptRefusal(
  transfer: Transfer,
  { callid, osid, status }: z.infer<typeof RefusedEvent>['params'],
  actions: StepActions,
): TransferProgress[] {
  if (transfer.phase === 'started' && callid === transfer.newCallid) {
    if (!mayFollow(status)) return fail(transfer, sipFailure(FAILED, status));
    awaitFollowUp(transfer, status, actions);
    return [];
  }
  if (!awaitsCall(transfer) || osid === '' || osid !== transfer.dialogId) return [];
  if (!mayFollow(status)) return fail(transfer, sipFailure(FAILED, status));
  transfer.refusal = { status };
  actions.startTimer('refused', FOLLOW_UP_TIMEOUT_MS);
  return [];
}

/** A dialog of an unknown Call-ID has ended before its called side has sent anything. */
export function onUnknownDialog(
  transfer: Transfer,
  { old_state: from, new_state: to, to_tag: calledTag }: z.infer<typeof DialogEvent>['params'],
  actions: StepActions,
): void {
  const isRefusal = from === dialogState.unconfirmed && to === dialogState.ended && calledTag === null;
  if (!isRefusal || !awaitsCall(transfer) || transfer.refusal) return;
  transfer.refusal = {};
  actions.startTimer('refused', REFUSAL_GRACE_MS);
}

/** Returns the failure if the search for the call has found nothing either. */
export function refusalFailure({ status }: NonNullable<Transfer['refusal']>): Failure {
  return status === undefined ? refusedFailure(NOT_RUNG) : sipFailure(FAILED, status);
}
