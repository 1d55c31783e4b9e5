/**
 * CallEnd: ends a call by its Call-ID, or a running CallStart by its `cmd_id`, including every phone that rings for it.
 * @module
 */

import { dialogState } from '../opensips/evi.ts';
import { type MiError, NOT_FOUND } from '../opensips/mi.ts';
import type { CommandParams } from '../protocol/rpc/commands.ts';
import type { CommandMachine, CommandState, Input } from './command.ts';
import { copyJson } from './copy-json.ts';
import { MI_TIMEOUT_MS } from './deadlines.ts';
import { type DialogTermination, endDialogs, haveAllEnded, stepTermination } from './end-dialogs.ts';
import { type Failure, miFailure, noReplyFailure, timeoutFailure } from './failures.ts';
import { StepActions } from './step-actions.ts';

export interface CallEndState extends CommandState {
  /** Absent if the command cancels a CallStart. */
  termination?: DialogTermination;
  /** The call is known: if OpenSIPS does not know it any more, it has ended. */
  readonly isKnown: boolean;
  /** A request without a reply may have ended the call, so that OpenSIPS no longer knows it. */
  mayHaveEnded?: true;
  /** The client has received `Ended`. What remains is a leg that could not be canceled yet. */
  isEndedReported: boolean;
}

export const callEnd: CommandMachine<CommandParams<'CallEnd'>, CallEndState> = {
  start(params, { findCallStart, isAnswered, isKnown }) {
    const actions = new StepActions();
    const callOfStart = findCallStart(params.callid);
    if (callOfStart === 'running') {
      actions.cancel(params.callid);
      actions.startTimer('canceled', MI_TIMEOUT_MS);
      return { state: { followedCallids: [], isKnown: true, isEndedReported: false }, actions: actions.list };
    }
    const callid = callOfStart ?? params.callid;
    // For a dialog that is known to have been active, "not found" means that it has ended.
    const dialog = { callid, state: isAnswered(callid) ? dialogState.answered : 0, isInviting: false };
    const termination = endDialogs([dialog], MI_TIMEOUT_MS, actions);
    return {
      state: { followedCallids: [callid], termination, isKnown: isKnown(callid), isEndedReported: false },
      actions: actions.list,
    };
  },

  step(previous, input) {
    const state = copyJson(previous);
    const actions = new StepActions();
    const isFinished = state.termination
      ? stepEnding(state, state.termination, input, actions)
      : stepCanceling(input, actions);
    return { state: isFinished ? null : state, actions: actions.list };
  },
};

/** Waits for the end of the canceled CallStart. Returns whether the command is finished. */
function stepCanceling(input: Input, actions: StepActions): boolean {
  const isTimedOut = input.type === 'timer' && input.timer === 'canceled';
  const isFinished = isTimedOut || input.type === 'canceled';
  if (isTimedOut)
    actions.fail(
      timeoutFailure(`The CallStart did not end within ${MI_TIMEOUT_MS / 1000} s. Send CallEnd again.`),
    );
  if (isFinished) actions.end();
  return isFinished;
}

/**
 * Ends the call. OpenSIPS's first reply decides what the client receives. A leg that still rings is followed until its
 * end. Returns whether the command is finished.
 */
function stepEnding(
  state: CallEndState,
  termination: DialogTermination,
  input: Input,
  actions: StepActions,
): boolean {
  if (input.type === 'mi-no-reply' && input.execution === 'unknown') state.mayHaveEnded = true;
  const progress = stepTermination(termination, input, actions);
  const isRefused = !state.isEndedReported && input.type === 'mi-error';
  const isDecided =
    input.type === 'mi-result' || isRefused || progress === 'timed-out' || haveAllEnded(termination);
  if (!state.isEndedReported && isDecided) {
    const failure = failureOf(state, termination, input);
    if (failure) actions.fail(failure);
    actions.end();
    state.isEndedReported = true;
  }
  const isFinished =
    haveAllEnded(termination) || (isRefused && isFinal(state, input.error)) || progress === 'given-up';
  return state.isEndedReported && isFinished;
}

/** Returns whether OpenSIPS has refused, so that nothing more is tried: all but "not found" after a request that may have run. */
function isFinal({ mayHaveEnded }: CallEndState, { code }: MiError): boolean {
  return mayHaveEnded !== true || code !== NOT_FOUND;
}

/**
 * If an earlier reply was lost, OpenSIPS may no longer know the call. If an event has shown the call, the first request
 * has ended it. No other error says so, and "not found" neither if no request can have run.
 */
function failureOf(state: CallEndState, { dialogs }: DialogTermination, input: Input): Failure | undefined {
  if (input.type === 'timer') return noReplyFailure('dlg_end_dlg', 'unknown', 'no reply arrived in time');
  if (input.type !== 'mi-error') return undefined;
  if (state.isKnown && input.error.code === NOT_FOUND) return undefined;
  if (isFinal(state, input.error)) return refusalFailure(state, input.error);
  const hasBeenSeen = dialogs.some(({ state }) => state > 0);
  return hasBeenSeen ? undefined : noReplyFailure('dlg_end_dlg', 'unknown', 'the call no longer exists');
}

/** The call goes on, unless an earlier request has ended it, which OpenSIPS's error does not tell. */
function refusalFailure({ mayHaveEnded }: CallEndState, error: MiError): Failure {
  if (mayHaveEnded !== true) return miFailure('dlg_end_dlg', error);
  const refusal = `the repeated request was rejected with ${error.code} ${error.message}`;
  return noReplyFailure('dlg_end_dlg', 'unknown', refusal);
}
