/** Polls the dialog of a transfer's new call, because the event that shows its outcome may be lost. @module */

import { dialogState } from '../../opensips/evi.ts';
import { DialogResult } from '../../opensips/mi.ts';
import {
  MAX_DIALOG_POLL_INTERVAL_MS,
  MI_TIMEOUT_MS,
  OUTCOME_EVENT_TIMEOUT_MS,
  SEARCH_DELAY_MS,
} from '../deadlines.ts';
import type { StepActions } from '../step-actions.ts';
import { failNotFollowed, onFollowed } from './follow-up.ts';
import { decideOutcome, onNewDialogState } from './progress.ts';
import type { Transfer, TransferProgress } from './state.ts';

/** Requests the new call's dialog from OpenSIPS. */
export function readNewDialog({ newCallid = '' }: Transfer, actions: StepActions): void {
  actions.requestMi('read-new-dialog', { method: 'dlg_list', params: { callid: newCallid } }, MI_TIMEOUT_MS);
}

/** Schedules the next read. The delay doubles each time, unless the outcome depends on the read. */
export function pollLater(transfer: Transfer, actions: StepActions): void {
  if (transfer.isFollowUpRead) {
    actions.startTimer('poll-new-dialog', SEARCH_DELAY_MS);
    return;
  }
  actions.startTimer('poll-new-dialog', transfer.pollDelayMs);
  transfer.pollDelayMs = Math.min(transfer.pollDelayMs * 2, MAX_DIALOG_POLL_INTERVAL_MS);
}

export function onNewDialogRead(
  transfer: Transfer,
  result: unknown,
  actions: StepActions,
): TransferProgress[] {
  const parsed = DialogResult.safeParse(result);
  const { ID: id = '', state = 0 } = parsed.success ? parsed.data.Dialog : {};
  if (state === dialogState.ended) return onNewDialogMissing(transfer, actions);
  if (state > 0 && transfer.isFollowUpRead) {
    onFollowed(transfer, actions);
    transfer.newDialogState = 0;
  }
  const progress = state > 0 ? onNewDialogState(transfer, id, state, actions) : [];
  if (state >= dialogState.answered)
    return [...progress, ...(transfer.phase === 'started' ? decideOutcome(transfer, actions) : [])];
  pollLater(transfer, actions);
  return progress;
}

/** OpenSIPS no longer knows the new call. Its last event may still be in transit. */
export function onNewDialogMissing(transfer: Transfer, actions: StepActions): TransferProgress[] {
  if (transfer.phase !== 'started') return [];
  if (transfer.isFollowUpRead) return failNotFollowed(transfer);
  if (transfer.newDialogState < dialogState.answered) transfer.newDialogState = dialogState.ended;
  if (transfer.refusedStatus === undefined) actions.startTimer('outcome', OUTCOME_EVENT_TIMEOUT_MS);
  return [];
}
