/**
 * The end of a CallStart: ends every dialog that the command has started, including a call that its transfer makes too
 * late.
 * @module
 */

import { dialogState } from '../../opensips/evi.ts';
import { UacResult } from '../../opensips/mi.ts';
import type { Input, StepResult } from '../command.ts';
import { CLEANUP_TIMEOUT_MS } from '../deadlines.ts';
import {
  type DialogToEnd,
  endDialogs,
  endMoreDialogs,
  haveAllEnded,
  haveAllReplied,
  onInviteCompleted,
  stepTermination,
} from '../end-dialogs.ts';
import type { Failure } from '../failures.ts';
import type { StepActions } from '../step-actions.ts';
import { awaitsCall, type Transfer, transferFlags } from '../transfer/state.ts';
import { stepTransfer, stopTransferTimers, transferCallids } from '../transfer/transfer.ts';
import type { CallStartState } from './state.ts';

/** Sends the failure to the client and ends every active leg, because the new call outlives the first leg. */
export function fail(
  state: CallStartState,
  failure: Failure,
  actions: StepActions,
  { isInviting = false, endsFirstLeg = true }: { isInviting?: boolean; endsFirstLeg?: boolean } = {},
): void {
  actions.fail(failure);
  const firstLeg = endsFirstLeg ? [{ callid: state.callid, state: state.dialogState, isInviting }] : [];
  startCleanup(state, [...firstLeg, ...newDialogs(state)], actions);
}

/** Returns the dialogs that the transfer has made, as far as events have shown them. */
function newDialogs({ callid: firstCallid, transfer }: CallStartState): DialogToEnd[] {
  if (!transfer) return [];
  return transferCallids(transfer)
    .filter((callid) => callid !== firstCallid)
    .map((callid) => {
      const state = callid === transfer.newCallid ? transfer.newDialogState : 0;
      return { callid, state, isInviting: false };
    });
}

/** Ends these dialogs. The client receives `Ended` when there is a reply for each of them, or after a timeout. */
export function startCleanup(
  state: CallStartState,
  dialogs: readonly DialogToEnd[],
  actions: StepActions,
): void {
  state.phase = 'cleanup';
  actions.stopTimers('caller', 'poll-dialog', 'ack');
  if (!mayStartCall(state.transfer)) stopTransferTimers(actions);
  if (state.transfer) state.transfer.isAbandoned = true;
  state.termination = endDialogs(dialogs, CLEANUP_TIMEOUT_MS, actions);
  reportEnded(state, actions);
}

/** Takes one step of the cleanup. */
export function stepCleanup(state: CallStartState, input: Input, actions: StepActions): void {
  const { termination } = state;
  if (!termination) return;
  // A CallEnd right after the callee's answer means the new call.
  if (input.type === 'cancel') endMoreDialogs(termination, newDialogs(state), actions);
  endLateCall(state, input, actions);
  if ('request' in input && input.request === 'invite')
    onInviteCompleted(termination, state.callid, dialogStateAfterInvite(state, input), actions);
  const progress = stepTermination(termination, input, actions);
  if (progress === 'given-up') abandonCleanup(state);
  reportEnded(state, actions, progress === 'timed-out');
}

/**
 * Returns the state of the first leg's dialog after the INVITE's reply. An INVITE that was not run has no dialog. Without a usable reply it
 * is the last known state.
 */
function dialogStateAfterInvite(state: CallStartState, input: Input): number {
  if (input.type === 'mi-error') return dialogState.ended;
  if (input.type === 'mi-no-reply')
    return input.execution === 'not-run' ? dialogState.ended : state.dialogState;
  const reply = UacResult.safeParse(input.type === 'mi-result' ? input.result : undefined);
  if (!reply.success) return state.dialogState;
  return reply.data.Status.startsWith('2') ? dialogState.answered : dialogState.ended;
}

/** Forgets the dialogs that have not ended in time. */
function abandonCleanup(state: CallStartState): void {
  state.termination = { dialogs: [], retryDelayMs: 0 };
  if (state.transfer) state.transfer.phase = 'finished';
}

/** Ends a call that the transfer makes after the command has failed. */
function endLateCall(state: CallStartState, input: Input, actions: StepActions): void {
  const { transfer, termination } = state;
  if (!transfer || !termination || transfer.newCallid !== undefined) return;
  if (mayStartCall(transfer)) {
    stepTransfer(transfer, input, actions);
    if (!mayStartCall(transfer)) stopTransferTimers(actions);
  } else if (input.type === 'event' && input.event.name === 'E_CALL_TRANSFER') {
    const { callid, transfer_callid: newCallid } = input.event.params;
    if (callid === state.callid && newCallid !== '') transfer.newCallid = newCallid;
  }
  endMoreDialogs(termination, newDialogs(state), actions);
}

/** Returns whether the phone may still start its new call. It may have ended the first leg for that already. */
function mayStartCall(transfer: Transfer | undefined): boolean {
  return transfer !== undefined && awaitsCall(transfer);
}

function reportEnded(state: CallStartState, actions: StepActions, isTimedOut = false): void {
  if (!state.termination || state.isEndedReported) return;
  if (!isTimedOut && !haveAllReplied(state.termination)) return;
  state.isEndedReported = true;
  actions.end();
}

/** Returns the result of a step. The command is finished after `Ended`, once no leg can be active any more. */
export function finishStep(state: CallStartState, actions: StepActions): StepResult<CallStartState> {
  const { termination, transfer, isEndedReported } = state;
  if (isEndedReported && termination && haveAllEnded(termination) && !mayStartCall(transfer))
    return { state: null, actions: actions.list };
  const followedCallids = transfer ? transferCallids(transfer) : state.followedCallids;
  const { transferring: _, awaitsCall: __, ...rest } = state;
  const flags = transfer ? transferFlags(transfer) : {};
  return { state: { ...rest, followedCallids, ...flags }, actions: actions.list };
}
