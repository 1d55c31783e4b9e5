/**
 * The common part of CallBlindTransfer and CallAttendedTransfer: a party of an active call is transferred, and when its
 * new call is answered, the old call is ended.
 * @module
 */

import { dialogState } from '../../opensips/evi.ts';
import { errorCode } from '../../protocol/rpc/jsonrpc.ts';
import type { CommandMachine, CommandState, Input, StepResult } from '../command.ts';
import { copyJson } from '../copy-json.ts';
import { CLEANUP_TIMEOUT_MS } from '../deadlines.ts';
import {
  type DialogTermination,
  endDialogs,
  haveAllEnded,
  haveAllReplied,
  stepTermination,
} from '../end-dialogs.ts';
import { TRANSFER_PENDING } from '../failures.ts';
import { StepActions } from '../step-actions.ts';
import { requestTransfer } from './request.ts';
import { type Transfer, type TransferProgress, type TransferTarget, transferFlags } from './state.ts';
import { stepTransfer, transferCallids } from './transfer.ts';

export interface TransferCommandState extends CommandState {
  readonly transfer: Transfer;
  /** Of the old dialog after a success, or of a new one that nobody answers. */
  termination?: DialogTermination;
  /** The client has received `Ended`. */
  isEndedReported: boolean;
}

/**
 * Returns the machine of a command that transfers a party.
 * @param targetOf returns the transfer that the params describe
 * @param transferringData returns the data of the notification `Transferring`
 */
export function transferMachine<P>(
  targetOf: (params: P) => TransferTarget,
  transferringData: (destination: string) => unknown,
): CommandMachine<P, TransferCommandState> {
  return {
    start(params, { features, isTransferring }) {
      const actions = new StepActions();
      const target = targetOf(params);
      if (isTransferring(target.callid) || (target.replaced && isTransferring(target.replaced.callid))) {
        actions.fail(TRANSFER_PENDING);
        actions.end();
        return { state: null, actions: actions.list };
      }
      const transfer = requestTransfer(target, features, {}, actions);
      return finishStep({ followedCallids: [], transfer, isEndedReported: false }, actions);
    },

    step(previous, input) {
      const state = copyJson(previous);
      const actions = new StepActions();
      if (state.termination) stepCleanup(state, state.termination, input, actions);
      else
        for (const progress of stepTransfer(state.transfer, input, actions))
          onProgress(state, progress, actions);
      return finishStep(state, actions);
    },
  };

  function onProgress(state: TransferCommandState, progress: TransferProgress, actions: StepActions): void {
    switch (progress.type) {
      case 'accepted':
        actions.notify('Transferring', transferringData(state.transfer.destination));
        break;
      case 'started':
        actions.notify('TransferStart', { callid: progress.callid, destination: progress.destination });
        break;
      case 'pending': {
        const { callid, destination, status: extra } = progress;
        actions.notify('TransferPending', { callid, destination, extra });
        break;
      }
      case 'answered':
        actions.notify('TransferSuccessful', { callid: progress.callid, destination: progress.destination });
        endOldDialog(state, actions);
        break;
      case 'failed':
        actions.fail(progress.failure);
        endUnansweredCall(state, progress.failure.error.code === errorCode.timedOut, actions);
    }
  }
}

function endOldDialog(state: TransferCommandState, actions: StepActions): void {
  const { callid, endedAt } = state.transfer;
  const oldState = endedAt === undefined ? dialogState.acknowledged : dialogState.ended;
  state.termination = endDialogs(
    [{ callid, state: oldState, isInviting: false }],
    CLEANUP_TIMEOUT_MS,
    actions,
  );
  reportEnded(state, actions);
}

/** The transferred phone still has its old call. A new call that nobody has answered in time is ended. */
function endUnansweredCall(state: TransferCommandState, isTimedOut: boolean, actions: StepActions): void {
  const { newCallid: callid, newDialogState } = state.transfer;
  if (callid === undefined || !isTimedOut) {
    state.isEndedReported = true;
    actions.end();
    return;
  }
  state.termination = endDialogs(
    [{ callid, state: newDialogState, isInviting: false }],
    CLEANUP_TIMEOUT_MS,
    actions,
  );
}

function stepCleanup(
  state: TransferCommandState,
  termination: DialogTermination,
  input: Input,
  actions: StepActions,
): void {
  const progress = stepTermination(termination, input, actions);
  if (progress === 'given-up') for (const dialog of termination.dialogs) dialog.hasEnded = true;
  reportEnded(state, actions, progress === 'timed-out');
}

function reportEnded(state: TransferCommandState, actions: StepActions, isTimedOut = false): void {
  if (!state.termination || state.isEndedReported) return;
  if (!isTimedOut && !haveAllReplied(state.termination)) return;
  state.isEndedReported = true;
  actions.end();
}

function finishStep(state: TransferCommandState, actions: StepActions): StepResult<TransferCommandState> {
  const { termination, transfer, isEndedReported } = state;
  const isFinished = isEndedReported && (termination === undefined || haveAllEnded(termination));
  if (isFinished) return { state: null, actions: actions.list };
  const { transferring: _, awaitsCall: __, ...rest } = state;
  return {
    state: { ...rest, followedCallids: transferCallids(transfer), ...transferFlags(transfer) },
    actions: actions.list,
  };
}
