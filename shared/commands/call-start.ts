/**
 * CallStart: click to dial. The caller's phone is called first; when it answers it is sent to the callee with a
 * REFER, and the leg that did so is ended (RFC 5359 §2.4 has the like).
 * @module
 */
import type { Failure, Input, Machine } from '../command.ts';
import { miFailure, noAnswerFailure, notDoneFailure, sipFailure, Turn, timeoutFailure } from '../command.ts';
import { ACKNOWLEDGED_MS, INVITE_MS, MI_MS, OVERDUE_MS } from '../deadlines.ts';
import { dialogState } from '../evi.ts';
import { CALLER_TIMEOUT, type Params } from '../methods.ts';
import { DialogResult, type MiError, NOT_FOUND, UacResult } from '../mi.ts';
import { close, closing, fail, finish } from './call-start-end.ts';
import type { CallStart } from './call-start-state.ts';
import { copy } from './copy.ts';
import { invite } from './invite.ts';
import type { Progress } from './transfer/state.ts';
import { stepTransfer, transfer } from './transfer.ts';

const FIRST_LEG_FAILED = 'failed to establish initial call: ';
const TERMINATED = '487 Request Terminated';

export const callStart: Machine<Params<'CallStart'>, CallStart> = {
  start(params, { callid, nextHop }) {
    const turn = new Turn();
    const { caller, callee, timeout = CALLER_TIMEOUT.default } = params;
    turn.request('invite', invite(caller, callee, nextHop, callid, params), INVITE_MS);
    turn.wait('caller', timeout * 1000);
    turn.wait('look', MI_MS);
    const state: CallStart = {
      follows: [callid],
      caller,
      callee,
      nextHop,
      callid,
      timeout,
      phase: 'calling',
      leg: 0,
      unanswered: false,
      missed: false,
      rung: false,
      answerTold: false,
      ended: false,
    };
    return { state, actions: turn.actions };
  },

  step(before, input) {
    const it = copy(before);
    const turn = new Turn();
    if (input.type === 'event') followFirstLeg(it, input, turn);
    switch (it.phase) {
      case 'calling':
        calling(it, input, turn);
        break;
      case 'answered':
        answered(it, input, turn);
        break;
      case 'transferring':
        transferring(it, input, turn);
        break;
      case 'closing':
        closing(it, input, turn);
    }
    return finish(it, turn);
  },
};

function followFirstLeg(it: CallStart, { event, at }: Extract<Input, { type: 'event' }>, turn: Turn): void {
  if (event.name !== 'E_DLG_STATE_CHANGED' || event.params.callid !== it.callid) return;
  const { id, old_state: from, new_state: to } = event.params;
  it.dialogId = id;
  it.leg = Math.max(it.leg, to);
  it.seenAt = at;
  const rings = to === dialogState.ringing || from === dialogState.ringing;
  if (rings && !it.rung && !it.answerTold && it.phase !== 'closing') {
    it.rung = true;
    turn.notify('CallerRinging', { caller: it.caller, callee: it.callee });
  }
}

/** The caller's phone is being called. */
function calling(it: CallStart, input: Input, turn: Turn): void {
  switch (input.type) {
    case 'event':
      expectReply(it, turn);
      break;
    case 'reply':
      if (input.to === 'invite') inviteAnswered(it, input.result, turn);
      if (input.to === 'look') lookedUp(it, input.result, turn);
      break;
    case 'refusal':
      if (input.to === 'invite')
        fail(it, miFailure('t_uac_dlg', input.error), turn, { calling: false, leg: false });
      if (input.to === 'look') lookRefused(it, input.error, turn);
      break;
    case 'no-answer':
      if (input.to === 'look') turn.wait('look', MI_MS);
      if (input.to === 'invite') inviteLost(it, input, turn);
      break;
    case 'timer':
      if (input.timer === 'caller') {
        const reason = { status: 408, reason: 'Request Timeout' };
        fail(it, timeoutFailure(`${FIRST_LEG_FAILED}408 Request Timeout`, reason), turn, {
          calling: !it.unanswered,
        });
      }
      if (input.timer === 'look') look(it, turn);
      break;
    case 'settle':
      turn.wait('look', OVERDUE_MS);
      break;
    case 'cancel':
      fail(it, sipFailure(FIRST_LEG_FAILED, TERMINATED), turn, { calling: !it.unanswered });
  }
}

/** With the dialog answered or over, the INVITE's reply is about to come; if it is lost, the dialog is read. */
function expectReply(it: CallStart, turn: Turn): void {
  if (it.leg < dialogState.answered) {
    if (!it.unanswered) turn.stop('look');
  } else {
    turn.wait('look', it.unanswered ? 0 : OVERDUE_MS);
  }
}

/** Never sent again: the phone may be ringing. Its dialog tells. */
function inviteLost(it: CallStart, { fate, why }: Extract<Input, { type: 'no-answer' }>, turn: Turn): void {
  if (fate === 'not-run') {
    fail(it, noAnswerFailure('t_uac_dlg', fate, why), turn, { leg: false });
    return;
  }
  it.unanswered = true;
  look(it, turn);
}

function inviteAnswered(it: CallStart, result: unknown, turn: Turn): void {
  const answer = UacResult.safeParse(result);
  if (!answer.success) {
    fail(it, noAnswerFailure('t_uac_dlg', 'unknown', 'its answer was not understood'), turn, {
      calling: true,
    });
    return;
  }
  const { Status: status, RURI: contact, Routes: routes = [] } = answer.data;
  if (!status.startsWith('2')) {
    fail(it, sipFailure(FIRST_LEG_FAILED, status), turn, { calling: false, leg: false });
    return;
  }
  if (contact !== undefined) it.contact = contact;
  const did = /;did=([^;>]+)/.exec(routes.join())?.[1];
  if (did !== undefined) it.dialogId = did;
  callerAnswered(it, turn);
}

/** Reads how the first leg stands. */
function look(it: CallStart, turn: Turn): void {
  turn.request('look', { method: 'dlg_list', params: { callid: it.callid } }, MI_MS);
}

function lookedUp(it: CallStart, result: unknown, turn: Turn): void {
  const found = DialogResult.safeParse(result);
  if (!found.success) {
    turn.wait('look', MI_MS);
    return;
  }
  const { ID: id, state, CALLEES: callees } = found.data.Dialog;
  it.dialogId = id;
  it.leg = Math.max(it.leg, state);
  if (it.leg === dialogState.ended) {
    missing(it, turn);
    return;
  }
  if (state < dialogState.answered) {
    if (it.unanswered) turn.wait('look', MI_MS);
    return;
  }
  const contact = callees?.[0]?.callee_contact;
  if (contact) it.contact = contact;
  callerAnswered(it, turn);
}

function lookRefused(it: CallStart, { code }: MiError, turn: Turn): void {
  if (code === NOT_FOUND) missing(it, turn);
  else turn.wait('look', MI_MS);
}

/**
 * The call is over, or nobody has heard of it. The INVITE's answer, which says why, may be just behind; and a call
 * that nobody has heard of may be about to begin: what was asked last may come through first.
 */
function missing(it: CallStart, turn: Turn): void {
  const underWay = it.leg === 0 || !it.unanswered;
  if (underWay && !it.missed) {
    it.missed = true;
    turn.wait('look', OVERDUE_MS);
  } else {
    notThere(it, turn);
  }
}

/**
 * OpenSIPS knows no such call: it has ended, or the INVITE never was. One that comes late after all is ended as
 * soon as it shows.
 */
function notThere(it: CallStart, turn: Turn): void {
  const seen = it.leg > 0;
  const why = seen ? 'it has ended, and why was lost' : 'OpenSIPS knows no such call';
  fail(it, notDoneFailure(`${FIRST_LEG_FAILED}${why}`), turn, {
    calling: !seen && !it.unanswered,
    leg: !seen,
  });
}

function callerAnswered(it: CallStart, turn: Turn): void {
  turn.stop('caller', 'look');
  turn.wait('acknowledged', ACKNOWLEDGED_MS);
  it.phase = 'answered';
  proceed(it, turn);
}

/**
 * Goes on as far as the leg's events allow: the reply may have overtaken them, and the client shall hear of
 * ringing first.
 */
function proceed(it: CallStart, turn: Turn): void {
  if (it.leg >= dialogState.answered) tellAnswered(it, turn);
  if (it.leg === dialogState.acknowledged) refer(it, turn);
  else if (it.leg === dialogState.ended) fail(it, hungUp, turn);
}

function tellAnswered(it: CallStart, turn: Turn): void {
  if (it.answerTold) return;
  it.answerTold = true;
  turn.notify('CallerAnswered', { caller: it.caller, callee: it.callee });
}

const hungUp: Failure = sipFailure(FIRST_LEG_FAILED, '487 the caller hung up');

/** The phone has answered, and a REFER before its ACK would be refused. */
function answered(it: CallStart, input: Input, turn: Turn): void {
  if (input.type === 'cancel') fail(it, sipFailure(FIRST_LEG_FAILED, TERMINATED), turn);
  else if (input.type === 'timer' && input.timer === 'acknowledged') refer(it, turn);
  else if (input.type === 'settle') look(it, turn);
  else if (input.type === 'reply' && input.to === 'look') lookedAgain(it, input.result, turn);
  else if (input.type === 'refusal' && input.to === 'look') {
    if (input.error.code === NOT_FOUND) fail(it, hungUp, turn, { leg: false });
  } else proceed(it, turn);
}

function lookedAgain(it: CallStart, result: unknown, turn: Turn): void {
  const found = DialogResult.safeParse(result);
  if (found.success) it.leg = Math.max(it.leg, found.data.Dialog.state);
  proceed(it, turn);
}

function refer(it: CallStart, turn: Turn): void {
  tellAnswered(it, turn);
  turn.stop('acknowledged');
  it.phase = 'transferring';
  it.transfer = transfer(
    { method: 'call_transfer', params: { callid: it.callid, leg: 'callee', destination: it.callee } },
    {
      callid: it.callid,
      leg: 'callee',
      destination: it.callee,
      ...(it.dialogId === undefined ? {} : { dialogId: it.dialogId }),
      ...(it.contact === undefined ? {} : { contact: it.contact }),
      ...(it.seenAt === undefined ? {} : { seenAt: it.seenAt }),
    },
    turn,
  );
}

function transferring(it: CallStart, input: Input, turn: Turn): void {
  if (!it.transfer) return;
  if (input.type === 'cancel') {
    fail(it, sipFailure('transfer failed with status ', TERMINATED), turn);
    return;
  }
  for (const progress of stepTransfer(it.transfer, input, turn)) tell(it, progress, turn);
}

function tell(it: CallStart, progress: Progress, turn: Turn): void {
  const { caller, callee } = it;
  switch (progress.type) {
    case 'accepted':
      turn.notify('Transferring', { caller, destination: callee });
      break;
    case 'begun':
      turn.notify('TransferStart', { callid: progress.callid, caller, callee });
      break;
    case 'pending':
      turn.notify('TransferPending', { callid: progress.callid, caller, callee, extra: progress.status });
      break;
    case 'answered':
      turn.notify('CalleeAnswered', { callid: progress.callid, caller, callee });
      close(it, [{ callid: it.callid, state: it.leg, calling: false }], turn);
      break;
    case 'failed':
      fail(it, progress.failure, turn);
  }
}
