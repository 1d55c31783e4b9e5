/**
 * The last step of an attended transfer: the phone that the new call reaches ends the call that is replaced (RFC 3891 §3). A
 * transferred phone without Replaces places a plain new call instead, and the other call goes on.
 * @module
 */
import { dialogState } from '../../opensips/evi.ts';
import { DialogResult } from '../../opensips/mi.ts';
import { MI_TIMEOUT_MS, REPLACED_CALL_TIMEOUT_MS } from '../deadlines.ts';
import { refusedFailure, unknownFailure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import { fail, finish } from './outcome.ts';
import type { Transfer, TransferProgress } from './state.ts';

/** Waits for the end of the replaced call. Returns false if the transfer replaces none, or if it has ended. */
export function awaitReplacedEnd(transfer: Transfer, actions: StepActions): boolean {
  if (transfer.replacedCallid === undefined || transfer.hasReplacedEnded) return false;
  transfer.phase = 'replacing';
  actions.stopTimers('destination', 'poll-new-dialog', 'outcome', 'follow-up');
  actions.startTimer('replaced', REPLACED_CALL_TIMEOUT_MS);
  return true;
}

/** An event shows the end of the replaced call. */
export function onReplacedEnded(transfer: Transfer): TransferProgress[] {
  transfer.hasReplacedEnded = true;
  return transfer.phase === 'replacing' ? finish(transfer) : [];
}

/** Reads the replaced call from OpenSIPS, because an event may be lost. */
export function onReplacedTimeout({ replacedCallid = '' }: Transfer, actions: StepActions): void {
  actions.requestMi(
    'read-replaced',
    { method: 'dlg_list', params: { callid: replacedCallid } },
    MI_TIMEOUT_MS,
  );
}

export function onReplacedRead(transfer: Transfer, result: unknown): TransferProgress[] {
  const dialog = DialogResult.safeParse(result);
  if (!dialog.success) return onReplacedUnknown(transfer);
  if (dialog.data.Dialog.state === dialogState.ended) return onReplacedMissing(transfer);
  return fail(
    transfer,
    refusedFailure(
      `transfer failed: the phone probably does not support Replaces: it has called ${transfer.resolvedDestination}, and the call to be replaced goes on. ${standingCalls(transfer, 'active')}`,
    ),
  );
}

export function onReplacedMissing(transfer: Transfer): TransferProgress[] {
  return transfer.phase === 'replacing' ? finish(transfer) : [];
}

export function onReplacedUnknown(transfer: Transfer): TransferProgress[] {
  return fail(
    transfer,
    unknownFailure(
      `transfer: the new call is answered, but OpenSIPS has not replied whether the replaced call has ended. ${standingCalls(transfer, 'unknown')}`,
    ),
  );
}

/** Names the three calls and their states. */
function standingCalls(transfer: Transfer, replacedState: string): string {
  const { newCallid, callid, endedAt, replacedCallid } = transfer;
  const oldState = endedAt === undefined ? 'active' : 'ended';
  return `New call ${newCallid}: answered. Transferred call ${callid}: ${oldState}. Call to be replaced ${replacedCallid}: ${replacedState}.`;
}
