/**
 * Searches `dlg_list` for the new call of a transfer if no event has shown it, or if an event may be lost.
 * @module
 */

import { dialogState } from '../../opensips/evi.ts';
import { calleeContact, type Dialog, DialogResult, DialogsResult } from '../../opensips/mi.ts';
import {
  FINAL_SEARCH_TIMEOUT_MS,
  MI_TIMEOUT_MS,
  NEW_CALL_TIMEOUT_MS,
  SEARCH_DELAY_MS,
} from '../deadlines.ts';
import { type Failure, noReplyFailure, notDoneFailure, timeoutFailure, unknownFailure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import { findTransferredCall, stripOsid } from './match-call.ts';
import { fail } from './outcome.ts';
import { decideOutcome, onNewCall } from './progress.ts';
import { refusalFailure } from './refused-call.ts';
import { isRefer, type Transfer, type TransferProgress } from './state.ts';

/** Dialogs per page. With its SDP a dialog takes 2 to 4 KB, and a reply of more than 65,457 bytes fails as a whole. */
export const PAGE_SIZE = 12;

const WITHIN = `within ${NEW_CALL_TIMEOUT_MS / 1000} s`;
/** No event tells that the script has refused a call, if other calls are refused at the same time. */
const NOT_DIALED = `transfer failed: the phone accepted the transfer and did not dial ${WITHIN}, or its call was refused before it rang`;
const NO_ANSWER =
  'No reply to the transfer has arrived, and no new call was found. The phone may or may not have received it.';
const NOT_REACHED = `transfer failed: the phone did not accept it, or did not reach the destination, ${WITHIN}`;

/** Searches the list from its start. */
export function startSearch(transfer: Transfer, actions: StepActions): void {
  transfer.page = { ...transfer.page, index: 0 };
  requestPage(transfer, actions);
}

/** Requests the current page. */
export function requestPage({ page }: Transfer, actions: StepActions): void {
  actions.requestMi('list-dialogs', { method: 'dlg_list', params: page }, MI_TIMEOUT_MS);
}

/** The time for the new call has passed. One final search decides. */
export function startFinalSearch(transfer: Transfer, actions: StepActions): void {
  transfer.isFinalSearch = true;
  actions.stopTimers('search', 'new-call', 'refused');
  actions.startTimer('final-search', FINAL_SEARCH_TIMEOUT_MS);
  startSearch(transfer, actions);
}

/** A page that does not fit into a datagram fails with 500, so a shorter one is requested. */
export function onPageError(transfer: Transfer, actions: StepActions): TransferProgress[] {
  if (transfer.page.counter === 1) return onCallNotFound(transfer, actions);
  transfer.page = { ...transfer.page, counter: Math.ceil(transfer.page.counter / 2) };
  requestPage(transfer, actions);
  return [];
}

/** Without the list, the final search decides nothing. */
export function onPageNoReply(transfer: Transfer, actions: StepActions): TransferProgress[] {
  if (!transfer.isFinalSearch) return onCallNotFound(transfer, actions);
  actions.startTimer('search', SEARCH_DELAY_MS);
  return [];
}

/** The new call is not listed (yet). Unless there is a reason to expect it, the search waits for an event. */
function onCallNotFound(transfer: Transfer, actions: StepActions): TransferProgress[] {
  const mayHaveShifted = transfer.page.index > 0 && !transfer.isFinalSearchRepeated;
  transfer.page = { ...transfer.page, index: 0 };
  if (transfer.isFinalSearch && !mayHaveShifted) return fail(transfer, notReachedFailure(transfer));
  if (transfer.isFinalSearch) {
    transfer.isFinalSearchRepeated = true;
    actions.startTimer('search', SEARCH_DELAY_MS);
  } else if (transfer.endedAt !== undefined || transfer.eventsMayBeLost) {
    transfer.searchDelayMs *= 2;
    actions.startTimer('search', transfer.searchDelayMs);
  }
  return [];
}

/** A phone that strips `osid` is recognized only by its contact. If the contact is unknown, so is the outcome. */
function notReachedFailure(transfer: Transfer): Failure {
  const { endedAt, contact, refusal, hasPhoneAccepted } = transfer;
  if (refusal) return refusalFailure(refusal);
  if (isRefer(transfer) && !hasPhoneAccepted) return unknownFailure(NO_ANSWER);
  if (hasPhoneAccepted && endedAt === undefined) return timeoutFailure(NOT_DIALED);
  if (endedAt === undefined) return timeoutFailure(NOT_REACHED);
  return contact === undefined ? unknownFailure(NOT_REACHED) : notDoneFailure(NOT_REACHED);
}

/**
 * The final search got no reply. The command fails, but it can continue the search to end a call that the transfer makes
 * later.
 */
export function onFinalSearchTimeout(transfer: Transfer, actions: StepActions): TransferProgress[] {
  transfer.isFinalSearch = false;
  actions.startTimer('new-call', NEW_CALL_TIMEOUT_MS);
  const reason = 'no reply arrived in time, so the result of the transfer is unknown';
  return [{ type: 'failed', failure: noReplyFailure('dlg_list', 'unknown', reason) }];
}

/** Searches a page of the list for the new call. */
export function onPage(transfer: Transfer, result: unknown, actions: StepActions): TransferProgress[] {
  const parsed = DialogsResult.safeParse(result);
  const dialogs = parsed.success ? parsed.data.Dialogs : [];
  for (const dialog of dialogs) noteDialog(transfer, dialog);
  // The phone may have kept the old dialog long after its new call started, until we ended it.
  const endedAt = transfer.lastEventAt ?? transfer.endedAt;
  const newDialog = findTransferredCall(dialogs, {
    ...transfer,
    destination: transfer.destination || transfer.resolvedDestination,
    ...(endedAt === undefined ? {} : { endedAt }),
  });
  if (newDialog) {
    transfer.isUnmatched = true;
    transfer.newDialogState = newDialog.state;
    transfer.newDialogId = newDialog.ID;
    const progress = onNewCall(transfer, newDialog.callid, '', actions);
    return newDialog.state >= dialogState.answered
      ? [...progress, ...decideOutcome(transfer, actions)]
      : progress;
  }
  if (dialogs.length < transfer.page.counter) return onCallNotFound(transfer, actions);
  transfer.page = { ...transfer.page, index: transfer.page.index + transfer.page.counter };
  requestPage(transfer, actions);
  return [];
}

/** Handles the dialog of the transferred call, or of the one to be replaced. */
export function onDialogRead(transfer: Transfer, result: unknown): void {
  const parsed = DialogResult.safeParse(result);
  if (parsed.success) noteDialog(transfer, parsed.data.Dialog);
}

/** Notes what identifies the new call: the id of the transferred dialog, the contact of its phone, and where it is sent. */
function noteDialog(transfer: Transfer, dialog: Dialog): void {
  if (dialog.callid === transfer.callid) {
    transfer.dialogId ??= dialog.ID;
    const contact = transfer.leg === 'caller' ? dialog.caller_contact : calleeContact(dialog);
    if (contact) transfer.contact ??= contact;
  }
  if (dialog.callid !== transfer.replacedCallid) return;
  transfer.replacedUri = transfer.replacedLeg === 'caller' ? dialog.from_uri : dialog.to_uri;
  // An attended transfer may have no destination but the party of the other call.
  if (transfer.resolvedDestination === '')
    transfer.resolvedDestination = stripOsid(transfer.replacedUri, transfer.matchParam);
}
