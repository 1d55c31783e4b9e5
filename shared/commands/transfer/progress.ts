/**
 * The progress of a transfer that OpenSIPS has accepted: started, pending, answered or failed. Events decide it, or the
 * state of the new dialog if an event was lost.
 * @module
 */
import type { z } from 'zod';
import { dialogState, type TransferEvent } from '../../opensips/evi.ts';
import type { EventInput } from '../command.ts';
import {
  DESTINATION_TIMEOUT_MS,
  NEW_CALL_TIMEOUT_MS,
  OUTCOME_EVENT_TIMEOUT_MS,
  UNMATCHED_POLL_DELAY_MS,
} from '../deadlines.ts';
import { type Failure, sipFailure, timeoutFailure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import type { Transfer, TransferProgress } from './state.ts';

const FAILED = 'transfer failed with status ';

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
  if (event.name === 'E_CALL_TRANSFER') return onTransferEvent(transfer, event.params, actions);
  if (event.name !== 'E_DLG_STATE_CHANGED') return [];
  const { callid, id, new_state: state } = event.params;
  if (callid === transfer.callid) {
    transfer.dialogId = id;
    if (state === dialogState.ended) {
      transfer.endedAt = at;
      if (transfer.phase === 'accepted') actions.startTimer('search', transfer.searchDelayMs);
    }
    return [];
  }
  if (callid !== transfer.newCallid || state <= transfer.newDialogState) return [];
  transfer.newDialogState = state;
  if (transfer.isUnmatched) return state >= dialogState.answered ? decideOutcome(transfer) : [];
  // OpenSIPS raises `ok` or `fail` with these states. If that event is lost, the state decides.
  if (state >= dialogState.answered) actions.startTimer('outcome', OUTCOME_EVENT_TIMEOUT_MS);
  return [];
}

function onTransferEvent(
  transfer: Transfer,
  params: z.infer<typeof TransferEvent>['params'],
  actions: StepActions,
): TransferProgress[] {
  if (params.callid !== transfer.callid) return [];
  const { transfer_callid: newCallid, destination, state, status } = params;
  if (newCallid === '') return state === 'notify' ? onNotifyWithoutCall(transfer, status) : [];
  if (transfer.phase === 'started' && newCallid !== transfer.newCallid) return [];
  const progress = transfer.phase === 'started' ? [] : onNewCall(transfer, newCallid, destination, actions);
  if (destination !== '') transfer.resolvedDestination = destination;
  switch (state) {
    case 'notify':
      transfer.lastNotifyStatus = status;
      if (isFinalStatus(status)) actions.startTimer('outcome', OUTCOME_EVENT_TIMEOUT_MS);
      return [
        ...progress,
        { type: 'pending', callid: newCallid, destination: transfer.resolvedDestination, status },
      ];
    case 'ok':
      return [...progress, ...succeed(transfer)];
    case 'fail':
      return [...progress, ...fail(transfer, sipFailure(FAILED, status))];
    default:
      return progress;
  }
}

/** The phone has reported the outcome in a NOTIFY before any new call was seen. */
function onNotifyWithoutCall(transfer: Transfer, status: string): TransferProgress[] {
  const hasFailed = transfer.phase === 'accepted' && isFinalStatus(status) && !status.startsWith('2');
  return hasFailed ? fail(transfer, sipFailure(FAILED, status)) : [];
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
  actions.stopTimers('new-call', 'search', 'final-search');
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

function succeed(transfer: Transfer): TransferProgress[] {
  transfer.phase = 'finished';
  const { newCallid = '', resolvedDestination } = transfer;
  return [{ type: 'answered', callid: newCallid, destination: resolvedDestination }];
}

export function fail(transfer: Transfer, failure: Failure): TransferProgress[] {
  transfer.phase = 'finished';
  return [{ type: 'failed', failure }];
}

/** Decides the outcome by the state of the new dialog, or by the phone's last NOTIFY. */
export function decideOutcome(transfer: Transfer): TransferProgress[] {
  const { newDialogState, lastNotifyStatus } = transfer;
  if (newDialogState === dialogState.answered || newDialogState === dialogState.acknowledged)
    return succeed(transfer);
  if (!isFinalStatus(lastNotifyStatus)) return fail(transfer, sipFailure(FAILED, '487 Request Terminated'));
  if (lastNotifyStatus.startsWith('2')) return succeed(transfer);
  return fail(transfer, sipFailure(FAILED, lastNotifyStatus));
}

/** The destination has not answered within the time that a phone may ring. */
export function failDestinationTimeout(transfer: Transfer): TransferProgress[] {
  const sip = { status: 408, reason: 'Request Timeout' };
  return fail(transfer, timeoutFailure(`${FAILED}408 Request Timeout`, sip));
}

function isFinalStatus(status: string): boolean {
  return /^[2-6]\d\d/.test(status);
}
