/**
 * Ends dialogs, and makes sure that they have ended. A dialog that has not rung yet cannot be canceled: `dlg_end_dlg`
 * replies OK, and the INVITE continues (trace `caller-silent`). So the request is repeated when the dialog rings, and
 * at intervals.
 * @module
 */

import { dialogState } from '../opensips/evi.ts';
import { NOT_FOUND } from '../opensips/mi.ts';
import type { Input } from './command.ts';
import {
  CLEANUP_GIVE_UP_MS,
  END_DIALOG_TIMEOUT_MS,
  END_RETRY_DELAY_MS,
  MAX_END_RETRY_DELAY_MS,
} from './deadlines.ts';
import type { StepActions } from './step-actions.ts';

/** A dialog that is being ended. */
export interface EndingDialog {
  readonly callid: string;
  /** The last state that an event has shown; 0 without an event. */
  state: number;
  /** Its INVITE has no final response yet, so "not found" may mean "not there yet". */
  isInviting: boolean;
  /** Its state when `dlg_end_dlg` was last requested. */
  requestedInState: number;
  /** The last request has no reply yet. */
  isRequestPending: boolean;
  /** There was a reply to `dlg_end_dlg`. */
  hasReply: boolean;
  hasEnded: boolean;
}

/** What must be known of a dialog to end it. */
export type DialogToEnd = Pick<EndingDialog, 'callid' | 'state' | 'isInviting'>;

/** The dialogs that a command is ending. */
export interface DialogTermination {
  readonly dialogs: EndingDialog[];
  retryDelayMs: number;
}

const RETRY_TIMER = 'end-retry';
const TIMEOUT_TIMER = 'end-timeout';
const GIVE_UP_TIMER = 'end-give-up';
const requestName = (callid: string) => `end ${callid}`;

/** Requests the end of each dialog. After `timeoutMs` the client is no longer kept waiting. */
export function endDialogs(
  dialogs: readonly DialogToEnd[],
  timeoutMs: number,
  actions: StepActions,
): DialogTermination {
  const termination: DialogTermination = { dialogs: [], retryDelayMs: END_RETRY_DELAY_MS };
  endMoreDialogs(termination, dialogs, actions);
  actions.startTimer(TIMEOUT_TIMER, timeoutMs);
  actions.startTimer(GIVE_UP_TIMER, CLEANUP_GIVE_UP_MS);
  return termination;
}

/** Requests the end of more dialogs. Those that are already being ended are skipped. */
export function endMoreDialogs(
  termination: DialogTermination,
  dialogs: readonly DialogToEnd[],
  actions: StepActions,
): void {
  for (const dialog of dialogs) {
    if (termination.dialogs.some(({ callid }) => callid === dialog.callid)) continue;
    const ending: EndingDialog = {
      ...dialog,
      requestedInState: 0,
      isRequestPending: false,
      hasReply: false,
      hasEnded: dialog.state === dialogState.ended,
    };
    termination.dialogs.push(ending);
    if (!ending.hasEnded) requestEnd(ending, actions);
  }
}

/** Returns whether each dialog has ended or had a reply, so that the client can receive `Ended`. */
export function haveAllReplied({ dialogs }: DialogTermination): boolean {
  return dialogs.every(({ hasEnded, hasReply }) => hasEnded || hasReply);
}

/** Returns whether there is no dialog left to end. */
export function haveAllEnded({ dialogs }: DialogTermination): boolean {
  return dialogs.every(({ hasEnded }) => hasEnded);
}

/** Takes one step. Returns `timed-out` if the client has waited long enough, `given-up` if the dialogs are abandoned. */
export function stepTermination(
  termination: DialogTermination,
  input: Input,
  actions: StepActions,
): 'timed-out' | 'given-up' | undefined {
  switch (input.type) {
    case 'timer':
      if (input.timer === TIMEOUT_TIMER) return 'timed-out';
      if (input.timer === GIVE_UP_TIMER) return 'given-up';
      if (input.timer === RETRY_TIMER) requestAllEnds(termination, actions);
      return undefined;
    case 'resync':
      requestAllEnds(termination, actions);
      return undefined;
    case 'event':
      if (input.event.name === 'E_DLG_STATE_CHANGED') onDialogEvent(termination, input.event.params, actions);
      return undefined;
    case 'mi-result':
      // OK means that a CANCEL was sent, which an answer can cross, or that a BYE is queued for another process of
      // OpenSIPS (`dlg_end_dlg` in its dlg_req_within.c), which is lost if that process dies. So an event must show the
      // end.
      onReply(termination, input.request, actions);
      return undefined;
    case 'mi-error':
      onReply(termination, input.request, actions, input.error.code === NOT_FOUND);
      return undefined;
    case 'mi-no-reply':
      // The request can be repeated without harm.
      onReply(termination, input.request, actions);
      return undefined;
    default:
      return undefined;
  }
}

/**
 * Handles the final response to the INVITE of a dialog. In `state` 3 the dialog is active and must be ended, in 5 it has
 * ended.
 */
export function onInviteCompleted(
  { dialogs }: DialogTermination,
  callid: string,
  state: number,
  actions: StepActions,
): void {
  for (const dialog of dialogs) {
    if (dialog.callid !== callid) continue;
    dialog.isInviting = false;
    onDialogState(dialog, state, actions);
  }
}

function onDialogEvent(
  { dialogs }: DialogTermination,
  { callid, new_state: state }: { callid: string; new_state: number },
  actions: StepActions,
): void {
  for (const dialog of dialogs) if (dialog.callid === callid) onDialogState(dialog, state, actions);
}

function onDialogState(dialog: EndingDialog, state: number, actions: StepActions): void {
  if (dialog.hasEnded || state <= dialog.state) return;
  dialog.state = state;
  if (state === dialogState.ended) dialog.hasEnded = true;
  else if (!dialog.isRequestPending) requestEnd(dialog, actions);
}

function onReply(
  termination: DialogTermination,
  request: string,
  actions: StepActions,
  isNotFound = false,
): void {
  const dialog = termination.dialogs.find(({ callid }) => requestName(callid) === request);
  if (!dialog || dialog.hasEnded) return;
  dialog.hasReply = true;
  dialog.isRequestPending = false;
  dialog.hasEnded = isNotFound && !dialog.isInviting && dialog.state <= dialog.requestedInState;
  if (dialog.hasEnded) return;
  // The request was too early: the state has changed since.
  if (dialog.state > dialog.requestedInState) {
    requestEnd(dialog, actions);
    return;
  }
  actions.startTimer(RETRY_TIMER, termination.retryDelayMs);
  termination.retryDelayMs = Math.min(termination.retryDelayMs * 2, MAX_END_RETRY_DELAY_MS);
}

function requestAllEnds({ dialogs }: DialogTermination, actions: StepActions): void {
  for (const dialog of dialogs) if (!dialog.hasEnded && !dialog.isRequestPending) requestEnd(dialog, actions);
}

function requestEnd(dialog: EndingDialog, actions: StepActions): void {
  const { callid, state } = dialog;
  dialog.requestedInState = state;
  dialog.isRequestPending = true;
  actions.requestMi(
    requestName(callid),
    { method: 'dlg_end_dlg', params: { dialog_id: callid } },
    END_DIALOG_TIMEOUT_MS,
  );
}
