/**
 * CallStart: click to dial. It calls the caller's phone first. When that answers, a REFER sends it to the callee, and
 * the first leg is ended. RFC 5359 §2.4 has a similar flow.
 * @module
 */

import { dialogState } from '../../opensips/evi.ts';
import { calleeContact, DialogResult, type MiError, NOT_FOUND, UacResult } from '../../opensips/mi.ts';
import { CALLER_TIMEOUT, type CommandParams } from '../../protocol/rpc/commands.ts';
import type { CommandMachine, EventInput, Input } from '../command.ts';
import { copyJson } from '../copy-json.ts';
import {
  ACK_TIMEOUT_MS,
  DIALOG_POLL_INTERVAL_MS,
  INVITE_REPLY_GRACE_MS,
  INVITE_TIMEOUT_MS,
  MI_TIMEOUT_MS,
} from '../deadlines.ts';
import {
  canceledFailure,
  type Failure,
  miFailure,
  noReplyFailure,
  notDoneFailure,
  refusedFailure,
  sipFailure,
  timeoutFailure,
} from '../failures.ts';
import { StepActions } from '../step-actions.ts';
import { FAILED } from '../transfer/outcome.ts';
import { requestTransfer } from '../transfer/request.ts';
import type { TransferProgress } from '../transfer/state.ts';
import { stepTransfer } from '../transfer/transfer.ts';
import { fail, finishStep, startCleanup, stepCleanup } from './cleanup.ts';
import { inviteCommand } from './invite.ts';
import type { CallStartState } from './state.ts';

const FIRST_LEG_FAILED = 'failed to establish initial call: ';

export const callStart: CommandMachine<CommandParams<'CallStart'>, CallStartState> = {
  start(params, { callid, nextHop, features }) {
    const actions = new StepActions();
    const { caller, callee, timeout = CALLER_TIMEOUT.default } = params;
    actions.requestMi('invite', inviteCommand(nextHop, callid, params, features), INVITE_TIMEOUT_MS);
    actions.startTimer('caller', timeout * 1000);
    actions.startTimer('poll-dialog', DIALOG_POLL_INTERVAL_MS);
    const state: CallStartState = {
      followedCallids: [callid],
      caller,
      callee,
      callid,
      features,
      phase: 'calling',
      dialogState: 0,
      isInviteReplyLost: false,
      wasDialogMissing: false,
      isRingingReported: false,
      isAnswerReported: false,
      isEndedReported: false,
    };
    return { state, actions: actions.list };
  },

  step(previous, input) {
    const state = copyJson(previous);
    const actions = new StepActions();
    if (input.type === 'event') onFirstLegEvent(state, input, actions);
    switch (state.phase) {
      case 'calling':
        stepCalling(state, input, actions);
        break;
      case 'answered':
        stepAnswered(state, input, actions);
        break;
      case 'transferring':
        stepTransferring(state, input, actions);
        break;
      case 'cleanup':
        stepCleanup(state, input, actions);
    }
    return finishStep(state, actions);
  },
};

function onFirstLegEvent(state: CallStartState, { event, at }: EventInput, actions: StepActions): void {
  if (event.name !== 'E_DLG_STATE_CHANGED' || event.params.callid !== state.callid) return;
  const { id, old_state: from, new_state: to } = event.params;
  state.dialogId = id;
  state.dialogState = Math.max(state.dialogState, to);
  state.lastEventAt = at;
  if (to === dialogState.ringing || from === dialogState.ringing) reportRinging(state, actions);
}

function reportRinging(state: CallStartState, actions: StepActions): void {
  if (state.isRingingReported || state.isAnswerReported || state.phase === 'cleanup') return;
  state.isRingingReported = true;
  actions.notify('CallerRinging', { caller: state.caller, callee: state.callee });
}

/** The caller's phone is being called. */
function stepCalling(state: CallStartState, input: Input, actions: StepActions): void {
  switch (input.type) {
    case 'event':
      awaitInviteReply(state, actions);
      break;
    case 'mi-result':
      if (input.request === 'invite') onInviteReply(state, input.result, actions);
      if (input.request === 'read-dialog') onDialogRead(state, input.result, actions);
      break;
    case 'mi-error':
      if (input.request === 'invite')
        fail(state, miFailure('t_uac_dlg', input.error), actions, { isInviting: false, endsFirstLeg: false });
      if (input.request === 'read-dialog') onDialogReadError(state, input.error, actions);
      break;
    case 'mi-no-reply':
      if (input.request === 'read-dialog') actions.startTimer('poll-dialog', DIALOG_POLL_INTERVAL_MS);
      if (input.request === 'invite') onInviteReplyLost(state, input, actions);
      break;
    case 'timer':
      if (input.timer === 'caller') failCallerTimeout(state, actions);
      if (input.timer === 'poll-dialog') readDialog(state, actions);
      break;
    case 'resync':
      actions.startTimer('poll-dialog', INVITE_REPLY_GRACE_MS);
      break;
    case 'cancel':
      fail(state, canceledFailure(FIRST_LEG_FAILED), actions, {
        isInviting: !state.isInviteReplyLost,
      });
  }
}

function failCallerTimeout(state: CallStartState, actions: StepActions): void {
  const failure = timeoutFailure(`${FIRST_LEG_FAILED}408 Request Timeout`);
  fail(state, failure, actions, { isInviting: !state.isInviteReplyLost });
}

/**
 * The reply to the INVITE follows the event that shows the dialog as answered or ended. If the reply is lost, the dialog
 * is read.
 */
function awaitInviteReply(state: CallStartState, actions: StepActions): void {
  if (state.dialogState < dialogState.answered) {
    if (!state.isInviteReplyLost) actions.stopTimers('poll-dialog');
  } else {
    actions.startTimer('poll-dialog', state.isInviteReplyLost ? 0 : INVITE_REPLY_GRACE_MS);
  }
}

/** The INVITE is never repeated, because the phone may be ringing. The dialog shows the outcome. */
function onInviteReplyLost(
  state: CallStartState,
  { execution, reason }: Extract<Input, { type: 'mi-no-reply' }>,
  actions: StepActions,
): void {
  if (execution === 'not-run') {
    fail(state, noReplyFailure('t_uac_dlg', execution, reason), actions, { endsFirstLeg: false });
    return;
  }
  state.isInviteReplyLost = true;
  readDialog(state, actions);
}

function onInviteReply(state: CallStartState, result: unknown, actions: StepActions): void {
  const reply = UacResult.safeParse(result);
  if (!reply.success) {
    fail(state, noReplyFailure('t_uac_dlg', 'unknown', 'the reply is not valid'), actions, {
      isInviting: true,
    });
    return;
  }
  const { Status: status, RURI: contact, Routes: routes = [] } = reply.data;
  if (!status.startsWith('2')) {
    fail(state, sipFailure(FIRST_LEG_FAILED, status), actions, { isInviting: false, endsFirstLeg: false });
    return;
  }
  if (contact !== undefined) state.contact = contact;
  const dialogId = /;did=([^;>]+)/.exec(routes.join())?.[1];
  if (dialogId !== undefined) state.dialogId = dialogId;
  onCallerAnswered(state, actions);
}

/** Requests the first leg's dialog from OpenSIPS. */
function readDialog({ callid }: CallStartState, actions: StepActions): void {
  actions.requestMi('read-dialog', { method: 'dlg_list', params: { callid } }, MI_TIMEOUT_MS);
}

function onDialogRead(state: CallStartState, result: unknown, actions: StepActions): void {
  const parsed = DialogResult.safeParse(result);
  if (!parsed.success) {
    actions.startTimer('poll-dialog', DIALOG_POLL_INTERVAL_MS);
    return;
  }
  const { ID: id, state: listedState } = parsed.data.Dialog;
  state.dialogId = id;
  state.dialogState = Math.max(state.dialogState, listedState);
  if (state.dialogState === dialogState.ended) {
    onDialogMissing(state, actions);
    return;
  }
  if (listedState < dialogState.answered) {
    // Its event was lost.
    if (listedState === dialogState.ringing) reportRinging(state, actions);
    if (state.isInviteReplyLost) actions.startTimer('poll-dialog', DIALOG_POLL_INTERVAL_MS);
    return;
  }
  const contact = calleeContact(parsed.data.Dialog);
  if (contact) state.contact = contact;
  onCallerAnswered(state, actions);
}

function onDialogReadError(state: CallStartState, { code }: MiError, actions: StepActions): void {
  if (code === NOT_FOUND) onDialogMissing(state, actions);
  else actions.startTimer('poll-dialog', DIALOG_POLL_INTERVAL_MS);
}

/**
 * The dialog has ended, or OpenSIPS does not know it. The reply to the INVITE, which gives the reason, may arrive next.
 * An unknown call may be about to start, because the later request can arrive first. So the dialog is read once more.
 */
function onDialogMissing(state: CallStartState, actions: StepActions): void {
  const mayBeInTransit = state.dialogState === 0 || !state.isInviteReplyLost;
  if (mayBeInTransit && !state.wasDialogMissing) {
    state.wasDialogMissing = true;
    actions.startTimer('poll-dialog', INVITE_REPLY_GRACE_MS);
  } else {
    failDialogMissing(state, actions);
  }
}

/** The call has ended, or the INVITE was never sent. A call that starts later is ended when its first event arrives. */
function failDialogMissing(state: CallStartState, actions: StepActions): void {
  const hasBeenSeen = state.dialogState > 0;
  const reason = hasBeenSeen
    ? 'the call has ended, and its SIP status was lost'
    : 'OpenSIPS does not know the call';
  fail(state, notDoneFailure(`${FIRST_LEG_FAILED}${reason}`), actions, {
    isInviting: !hasBeenSeen && !state.isInviteReplyLost,
    endsFirstLeg: !hasBeenSeen,
  });
}

function onCallerAnswered(state: CallStartState, actions: StepActions): void {
  actions.stopTimers('caller', 'poll-dialog');
  actions.startTimer('ack', ACK_TIMEOUT_MS);
  state.phase = 'answered';
  proceed(state, actions);
}

/**
 * Continues as far as the dialog's events allow. The reply may have overtaken them, and the client must receive
 * `CallerRinging` first.
 */
function proceed(state: CallStartState, actions: StepActions): void {
  if (state.dialogState >= dialogState.answered) reportAnswer(state, actions);
  if (state.dialogState === dialogState.acknowledged) sendRefer(state, actions);
  else if (state.dialogState === dialogState.ended) fail(state, callerHungUp, actions);
}

function reportAnswer(state: CallStartState, actions: StepActions): void {
  if (state.isAnswerReported) return;
  state.isAnswerReported = true;
  actions.notify('CallerAnswered', { caller: state.caller, callee: state.callee });
}

const callerHungUp: Failure = refusedFailure(`${FIRST_LEG_FAILED}the caller hung up`);

/** The phone has answered. A REFER before its ACK would be refused. */
function stepAnswered(state: CallStartState, input: Input, actions: StepActions): void {
  if (input.type === 'cancel') fail(state, canceledFailure(FIRST_LEG_FAILED), actions);
  else if (input.type === 'timer' && input.timer === 'ack') sendRefer(state, actions);
  else if (input.type === 'resync') readDialog(state, actions);
  else if (input.type === 'mi-result' && input.request === 'read-dialog')
    onAnsweredDialogRead(state, input.result, actions);
  else if (input.type === 'mi-error' && input.request === 'read-dialog') {
    if (input.error.code === NOT_FOUND) fail(state, callerHungUp, actions, { endsFirstLeg: false });
  } else proceed(state, actions);
}

function onAnsweredDialogRead(state: CallStartState, result: unknown, actions: StepActions): void {
  const parsed = DialogResult.safeParse(result);
  if (parsed.success) state.dialogState = Math.max(state.dialogState, parsed.data.Dialog.state);
  proceed(state, actions);
}

function sendRefer(state: CallStartState, actions: StepActions): void {
  reportAnswer(state, actions);
  actions.stopTimers('ack');
  state.phase = 'transferring';
  const { callid, callee, features, dialogId, contact, lastEventAt } = state;
  state.transfer = requestTransfer(
    { callid, leg: 'callee', destination: callee },
    features,
    {
      ...(dialogId === undefined ? {} : { dialogId }),
      ...(contact === undefined ? {} : { contact }),
      ...(lastEventAt === undefined ? {} : { lastEventAt }),
    },
    actions,
  );
}

function stepTransferring(state: CallStartState, input: Input, actions: StepActions): void {
  if (!state.transfer) return;
  if (input.type === 'cancel') {
    fail(state, canceledFailure(FAILED), actions);
    return;
  }
  for (const progress of stepTransfer(state.transfer, input, actions)) onProgress(state, progress, actions);
}

function onProgress(state: CallStartState, progress: TransferProgress, actions: StepActions): void {
  const { caller, callee } = state;
  switch (progress.type) {
    case 'accepted':
      actions.notify('Transferring', { caller, destination: callee });
      break;
    case 'started':
      actions.notify('TransferStart', { callid: progress.callid, caller, callee });
      break;
    case 'pending':
      actions.notify('TransferPending', { callid: progress.callid, caller, callee, extra: progress.status });
      break;
    case 'answered':
      actions.notify('CalleeAnswered', { callid: progress.callid, caller, callee });
      startCleanup(state, [{ callid: state.callid, state: state.dialogState, isInviting: false }], actions);
      break;
    case 'failed':
      fail(state, progress.failure, actions);
  }
}
