/**
 * The progress of a transfer that OpenSIPS has accepted: started, pending, answered or failed. Events decide it, or the
 * state of the new dialog if an event was lost.
 * @module
 */
import type { z } from 'zod';
import { type DialogEvent, dialogState, type TransferEvent } from '../../opensips/evi.ts';
import type { EventInput } from '../command.ts';
import {
  DESTINATION_TIMEOUT_MS,
  NEW_CALL_TIMEOUT_MS,
  OUTCOME_EVENT_TIMEOUT_MS,
  UNMATCHED_POLL_DELAY_MS,
} from '../deadlines.ts';
import { sipFailure, timeoutFailure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import { awaitFollowUp, isEarlyTimeout, mayFollow, onFollowed } from './follow-up.ts';
import { FAILED, fail, finish, isFinalStatus } from './outcome.ts';
import { onScriptRefusal, onUnknownDialog } from './refused-call.ts';
import { awaitReplacedEnd, onReplacedEnded } from './replaced-call.ts';
import { awaitsCall, isRefer, type Transfer, type TransferProgress } from './state.ts';

/** A phone reports some three: it rings, is in a queue, or its call is forwarded. */
export const MAX_PENDING_REPORTS = 50;

/**
 * OpenSIPS has accepted the transfer, so events that arrived before its reply belong to it. If the acceptance is only
 * assumed (`isConfirmed` is false), the client is notified of it when the new call starts.
 */
export function onAccepted(
  transfer: Transfer,
  actions: StepActions,
  { isConfirmed }: { readonly isConfirmed: boolean },
): TransferProgress[] {
  transfer.phase = 'accepted';
  actions.startTimer('new-call', NEW_CALL_TIMEOUT_MS);
  if (transfer.eventsMayBeLost) actions.startTimer('search', transfer.searchDelayMs);
  const progress = isConfirmed ? reportAccepted(transfer) : [];
  for (const input of transfer.earlyEvents.splice(0)) progress.push(...onEvent(transfer, input, actions));
  return progress;
}

function reportAccepted(transfer: Transfer): TransferProgress[] {
  if (transfer.isAcceptedReported) return [];
  transfer.isAcceptedReported = true;
  return [{ type: 'accepted' }];
}

/** Handles an event of an accepted transfer. */
export function onEvent(
  transfer: Transfer,
  { event, at }: EventInput,
  actions: StepActions,
): TransferProgress[] {
  if (transfer.phase === 'finished') return [];
  switch (event.name) {
    case 'E_CALL_TRANSFER':
      return onTransferEvent(transfer, event.params, at, actions);
    case 'E_DLG_STATE_CHANGED':
      return onDialogEvent(transfer, event.params, at, actions);
    case 'E_CALL_REFUSED':
      return onScriptRefusal(transfer, event.params, actions);
    default:
      return [];
  }
}

function onDialogEvent(
  transfer: Transfer,
  params: z.infer<typeof DialogEvent>['params'],
  at: number,
  actions: StepActions,
): TransferProgress[] {
  const { callid, id, new_state: state } = params;
  const hasEnded = state === dialogState.ended;
  switch (callid) {
    case transfer.newCallid:
      return onNewDialogState(transfer, id, state, actions);
    case transfer.callid:
      transfer.dialogId = id;
      if (!hasEnded) return [];
      transfer.endedAt = at;
      if (transfer.phase === 'accepted') actions.startTimer('search', transfer.searchDelayMs);
      return [];
    case transfer.replacedCallid:
      return hasEnded ? onReplacedEnded(transfer) : [];
    default:
      onUnknownDialog(transfer, params, actions);
      return [];
  }
}

/** The new call's dialog has this state. A refused call may go on in another dialog. */
export function onNewDialogState(
  transfer: Transfer,
  id: string,
  state: number,
  actions: StepActions,
): TransferProgress[] {
  if (transfer.phase !== 'started') return [];
  const isOtherDialog = transfer.newDialogId !== undefined && transfer.newDialogId !== id;
  if (isOtherDialog && state === dialogState.ended) return [];
  if (isOtherDialog) {
    onFollowed(transfer, actions);
    transfer.newDialogState = 0;
  }
  transfer.newDialogId = id;
  if (state <= transfer.newDialogState) return [];
  transfer.newDialogState = state;
  if (state === dialogState.ringing) return reportRinging(transfer);
  // OpenSIPS raises `ok` or `fail` with the later states. If there is none, or if it is lost, the state decides.
  if (transfer.isUnmatched) return decideOutcome(transfer, actions);
  actions.startTimer('outcome', OUTCOME_EVENT_TIMEOUT_MS);
  return [];
}

/** Reports that the destination rings. callops reports it itself, by the phone's NOTIFY. */
function reportRinging(transfer: Transfer): TransferProgress[] {
  if (!isRefer(transfer) || transfer.isRingingReported) return [];
  return reportPending(transfer, '180 Ringing');
}

/** Tells the client what the destination's phone reports, up to a number: the command is stored with all of its notifications. */
function reportPending(transfer: Transfer, status: string): TransferProgress[] {
  if (++transfer.pendingCount > MAX_PENDING_REPORTS) return [];
  const { newCallid: callid = '', resolvedDestination: destination } = transfer;
  transfer.isRingingReported ||= status.startsWith('180');
  return [{ type: 'pending', callid, destination, status }];
}

function onTransferEvent(
  transfer: Transfer,
  params: z.infer<typeof TransferEvent>['params'],
  at: number,
  actions: StepActions,
): TransferProgress[] {
  if (!isOfTransfer(transfer, params.callid) || transfer.phase === 'replacing') return [];
  const { transfer_callid: newCallid, destination, state, status } = params;
  if (newCallid === '') return state === 'notify' ? onNotifyWithoutCall(transfer, status) : [];
  if (transfer.phase === 'started' ? newCallid !== transfer.newCallid : !mayBeNewCall(transfer, state))
    return [];
  const progress = transfer.phase === 'started' ? [] : onNewCall(transfer, newCallid, destination, actions);
  if (destination !== '') transfer.resolvedDestination = destination;
  transfer.newCallAt ??= at;
  switch (state) {
    case 'start':
      onFollowed(transfer, actions);
      return progress;
    case 'notify':
      transfer.lastNotifyStatus = status;
      if (isFinalStatus(status)) actions.startTimer('outcome', OUTCOME_EVENT_TIMEOUT_MS);
      if (status.startsWith('180') && transfer.isRingingReported) return progress;
      return [...progress, ...reportPending(transfer, status)];
    case 'ok':
      return [...progress, ...succeed(transfer, actions)];
    case 'fail':
      if (!mayFollow(status) && !isEarlyTimeout(transfer, status, at))
        return [...progress, ...fail(transfer, sipFailure(FAILED, status))];
      awaitFollowUp(transfer, status, actions);
      return progress;
    default:
      return progress;
  }
}

/**
 * Returns whether an event of this dialog tells of the transfer. callops raises the events of an attended transfer for both
 * dialogs, but only for the replaced one if it has not sent the REFER itself (`call_attended_transfer` in callops.c).
 */
function isOfTransfer(transfer: Transfer, callid: string): boolean {
  return callid === transfer.callid || (isRefer(transfer) && callid === transfer.replacedCallid);
}

/**
 * Returns whether an event with an unknown Call-ID tells of the new call. callops transfers a call only once. With REFER an event may
 * name the call of an earlier transfer, but only a new one starts (trace `sequential-refer-after-491`).
 */
function mayBeNewCall(transfer: Transfer, state: string): boolean {
  return !isRefer(transfer) || state === 'start';
}

/** The phone has reported the outcome in a NOTIFY before any new call was seen. */
function onNotifyWithoutCall(transfer: Transfer, status: string): TransferProgress[] {
  const hasFailed = transfer.phase === 'accepted' && isFinalStatus(status) && !status.startsWith('2');
  return hasFailed && !mayFollow(status) ? fail(transfer, sipFailure(FAILED, status)) : [];
}

/** The phone has started its new call. */
export function onNewCall(
  transfer: Transfer,
  newCallid: string,
  destination: string,
  actions: StepActions,
): TransferProgress[] {
  transfer.phase = 'started';
  transfer.newCallid = newCallid;
  if (destination !== '') transfer.resolvedDestination = destination;
  actions.stopTimers('new-call', 'refused', 'search', 'final-search');
  actions.startTimer('destination', DESTINATION_TIMEOUT_MS);
  actions.startTimer(
    'poll-new-dialog',
    transfer.isUnmatched ? UNMATCHED_POLL_DELAY_MS : transfer.pollDelayMs,
  );
  return [
    ...reportAccepted(transfer),
    { type: 'started', callid: newCallid, destination: transfer.resolvedDestination },
  ];
}

/** The new call is answered. */
function succeed(transfer: Transfer, actions: StepActions): TransferProgress[] {
  return awaitReplacedEnd(transfer, actions) ? [] : finish(transfer);
}

/** Decides the outcome by the state of the new dialog, or by the phone's last NOTIFY. */
export function decideOutcome(transfer: Transfer, actions: StepActions): TransferProgress[] {
  const { newDialogState, lastNotifyStatus, refusedStatus } = transfer;
  if (awaitsCall(transfer) || transfer.phase === 'replacing') return [];
  if (newDialogState === dialogState.answered || newDialogState === dialogState.acknowledged)
    return succeed(transfer, actions);
  if (lastNotifyStatus.startsWith('2')) return succeed(transfer, actions);
  if (isFinalStatus(lastNotifyStatus) && !mayFollow(lastNotifyStatus))
    return fail(transfer, sipFailure(FAILED, lastNotifyStatus));
  if (refusedStatus === undefined)
    awaitFollowUp(transfer, isFinalStatus(lastNotifyStatus) ? lastNotifyStatus : '', actions);
  return [];
}

/** The destination has not answered within the time that a phone may ring. */
export function failDestinationTimeout(transfer: Transfer): TransferProgress[] {
  return fail(transfer, timeoutFailure(`${FAILED}408 Request Timeout`));
}
