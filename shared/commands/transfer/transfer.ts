/**
 * The part of CallStart, CallBlindTransfer and CallAttendedTransfer that runs a transfer: it is accepted, started, pending,
 * answered or failed. OpenSIPS raises no event for some of these steps, so timers and dialog states replace what is missing.
 * @module
 */

import { dialogState } from '../../opensips/evi.ts';
import { InDialogResult } from '../../opensips/in-dialog.ts';
import { NOT_FOUND } from '../../opensips/mi.ts';
import type { EventInput, Input } from '../command.ts';
import { ACK_TIMEOUT_MS, MAX_READY_ATTEMPTS, MAX_REFER_ATTEMPTS } from '../deadlines.ts';
import { miFailure, noReplyFailure, sipFailure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import {
  onDialogRead,
  onFinalSearchTimeout,
  onPage,
  onPageError,
  onPageNoReply,
  requestPage,
  startFinalSearch,
  startSearch,
} from './find-call.ts';
import { onFollowUpTimeout } from './follow-up.ts';
import { FAILED, fail } from './outcome.ts';
import { onNewDialogMissing, onNewDialogRead, pollLater, readNewDialog } from './poll.ts';
import { decideOutcome, failDestinationTimeout, onAccepted, onEvent } from './progress.ts';
import { onReplacedMissing, onReplacedRead, onReplacedTimeout, onReplacedUnknown } from './replaced-call.ts';
import { isRefer, type Transfer, type TransferProgress } from './state.ts';

/** More events than a transfer raises before its reply. Later ones are dropped. */
const MAX_EARLY_EVENTS = 32;

/** Returns the Call-IDs whose events the transfer needs. */
export function transferCallids({ callid, earlyEvents, newCallid, replacedCallid }: Transfer): string[] {
  const earlyCallids = earlyEvents.flatMap(({ event }) =>
    event.name === 'E_CALL_TRANSFER' && event.params.transfer_callid ? [event.params.transfer_callid] : [],
  );
  const others = [newCallid, replacedCallid].filter((each) => each !== undefined);
  return [...new Set([callid, ...earlyCallids, ...others])];
}

/** Takes one step. Returns its progress in order. */
export function stepTransfer(transfer: Transfer, input: Input, actions: StepActions): TransferProgress[] {
  const progress = handleInput(transfer, input, actions);
  if (transfer.phase === 'finished') stopTransferTimers(actions);
  return progress;
}

export function stopTransferTimers(actions: StepActions): void {
  actions.stopTimers('ready', 'new-call', 'refused', 'search', 'final-search');
  actions.stopTimers('destination', 'poll-new-dialog', 'outcome', 'follow-up', 'replaced');
}

function handleInput(transfer: Transfer, input: Input, actions: StepActions): TransferProgress[] {
  if (transfer.phase === 'finished' || isStalePage(transfer, input)) return [];
  switch (input.type) {
    case 'event':
      if (transfer.phase !== 'requested') return onEvent(transfer, input, actions);
      onEarlyEvent(transfer, input, actions);
      return [];
    case 'mi-result':
      return onMiResult(transfer, input, actions);
    case 'mi-error':
      return onMiError(transfer, input, actions);
    case 'mi-no-reply':
      return onNoReply(transfer, input, actions);
    case 'timer':
      return onTimer(transfer, input.timer, actions);
    case 'resync':
      resync(transfer, actions);
      return [];
    default:
      return [];
  }
}

/** Returns whether the input is the reply to a search that an event has made obsolete. */
function isStalePage({ phase }: Transfer, input: Input): boolean {
  return 'request' in input && input.request === 'list-dialogs' && phase !== 'accepted';
}

/** Keeps an event until the reply shows whether it belongs to this transfer. */
function onEarlyEvent(transfer: Transfer, input: EventInput, actions: StepActions): void {
  if (transfer.earlyEvents.length < MAX_EARLY_EVENTS) transfer.earlyEvents.push(input);
  const { name, params } = input.event;
  const isAcknowledged =
    name === 'E_DLG_STATE_CHANGED' &&
    params.callid === transfer.callid &&
    params.new_state === dialogState.acknowledged;
  if (isAcknowledged && transfer.notReadyCount > 0) requestAgain(transfer, actions);
}

function onMiResult(
  transfer: Transfer,
  { request, result }: Extract<Input, { type: 'mi-result' }>,
  actions: StepActions,
): TransferProgress[] {
  switch (request) {
    case 'transfer':
      return isRefer(transfer)
        ? onReferAnswered(transfer, result, actions)
        : onAccepted(transfer, actions, { isConfirmed: true });
    case 'read-new-dialog':
      return onNewDialogRead(transfer, result, actions);
    case 'list-dialogs':
      return onPage(transfer, result, actions);
    case 'read-replaced':
      return onReplacedRead(transfer, result);
    case 'read-transferred':
    case 'read-to-replace':
      onDialogRead(transfer, result);
      return [];
    default:
      return [];
  }
}

/** The phone has answered the REFER. */
function onReferAnswered(transfer: Transfer, result: unknown, actions: StepActions): TransferProgress[] {
  const answer = InDialogResult.safeParse(result);
  if (!answer.success) {
    transfer.eventsMayBeLost = true;
    return onAccepted(transfer, actions, { isConfirmed: false });
  }
  const { status, dialog_id: dialogId, contact, destination } = answer.data;
  if (!status.startsWith('2')) return fail(transfer, sipFailure(FAILED, status));
  transfer.hasPhoneAccepted = true;
  if (dialogId !== undefined) transfer.dialogId = dialogId;
  if (contact) transfer.contact = contact;
  if (transfer.resolvedDestination === '') transfer.resolvedDestination = destination ?? '';
  return onAccepted(transfer, actions, { isConfirmed: true });
}

/** The error of callops for a repeated request if it accepted the first one. The dialog may also have ended since. */
const REQUEST_PENDING = 491;
/** The adapter's error for a dialog whose ACK has not arrived, as callops has it for holds. */
const NOT_READY = 410;

function onMiError(
  transfer: Transfer,
  { request, error }: Extract<Input, { type: 'mi-error' }>,
  actions: StepActions,
): TransferProgress[] {
  switch (request) {
    case 'transfer':
      if (transfer.isRetried && (error.code === REQUEST_PENDING || error.code === NOT_FOUND))
        return onAccepted(transfer, actions, { isConfirmed: false });
      if (isRefer(transfer) && error.code === NOT_READY && transfer.notReadyCount < MAX_READY_ATTEMPTS) {
        transfer.notReadyCount++;
        actions.startTimer('ready', ACK_TIMEOUT_MS);
        return [];
      }
      return fail(transfer, miFailure(requestName(transfer), error));
    case 'read-new-dialog':
      if (error.code === NOT_FOUND) return onNewDialogMissing(transfer, actions);
      pollLater(transfer, actions);
      return [];
    case 'list-dialogs':
      return onPageError(transfer, actions);
    case 'read-replaced':
      return error.code === NOT_FOUND ? onReplacedMissing(transfer) : onReplacedUnknown(transfer);
    default:
      return [];
  }
}

function onNoReply(
  transfer: Transfer,
  input: Extract<Input, { type: 'mi-no-reply' }>,
  actions: StepActions,
): TransferProgress[] {
  switch (input.request) {
    case 'list-dialogs':
      return onPageNoReply(transfer, actions);
    case 'read-new-dialog':
      pollLater(transfer, actions);
      return [];
    case 'read-replaced':
      return onReplacedUnknown(transfer);
    case 'transfer':
      return onTransferNoReply(transfer, input, actions);
    default:
      return [];
  }
}

/**
 * The request or its reply was lost. callops is asked once more. What was not sent is requested until an adapter is connected. A REFER
 * that may have been sent is never sent again, because the phone would place two calls.
 */
function onTransferNoReply(
  transfer: Transfer,
  { execution, reason }: Extract<Input, { type: 'mi-no-reply' }>,
  actions: StepActions,
): TransferProgress[] {
  transfer.eventsMayBeLost = true;
  const mayHaveRun = execution === 'unknown';
  // Whatever happened to the second request, the first may have run.
  if (transfer.isRetried || (mayHaveRun && (transfer.isAbandoned || isRefer(transfer))))
    return onAccepted(transfer, actions, { isConfirmed: false });
  const isLastAttempt = transfer.isAbandoned || ++transfer.notRunCount >= MAX_REFER_ATTEMPTS;
  if (!mayHaveRun && isLastAttempt)
    return fail(transfer, noReplyFailure(requestName(transfer), execution, reason));
  transfer.isRetried = mayHaveRun;
  requestAgain(transfer, actions);
  return [];
}

function requestName({ command }: Transfer): string {
  return command.method === 'refer' ? 'REFER' : command.method;
}

function requestAgain(transfer: Transfer, actions: StepActions): void {
  actions.stopTimers('ready');
  actions.requestMi('transfer', transfer.command, transfer.timeoutMs);
}

/** Reads from OpenSIPS what lost events may have shown. */
function resync(transfer: Transfer, actions: StepActions): void {
  transfer.eventsMayBeLost = true;
  if (transfer.phase === 'accepted') startSearch(transfer, actions);
  if (transfer.phase === 'started') readNewDialog(transfer, actions);
}

function onTimer(transfer: Transfer, timer: string, actions: StepActions): TransferProgress[] {
  switch (timer) {
    case 'ready':
      requestAgain(transfer, actions);
      return [];
    case 'search':
      requestPage(transfer, actions);
      return [];
    case 'poll-new-dialog':
      readNewDialog(transfer, actions);
      return [];
    case 'new-call':
    case 'refused':
      startFinalSearch(transfer, actions);
      return [];
    case 'final-search':
      return onFinalSearchTimeout(transfer, actions);
    case 'destination':
      return failDestinationTimeout(transfer);
    case 'outcome':
      return decideOutcome(transfer, actions);
    case 'follow-up':
      if (onFollowUpTimeout(transfer)) readNewDialog(transfer, actions);
      return [];
    case 'replaced':
      onReplacedTimeout(transfer, actions);
      return [];
    default:
      return [];
  }
}
