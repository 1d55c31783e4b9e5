/**
 * CallStart: click to dial. The caller's phone is called first; when it answers it is sent to the callee with a
 * REFER, and the leg that did so is ended (RFC 5359 §2.4 has the like).
 * @module
 */
import type { Failure, Input, Machine, State, Step } from '../command.ts';
import { miFailure, noAnswerFailure, sipFailure, Turn, timeoutFailure } from '../command.ts';
import { ACKNOWLEDGED_MS, CLOSING_MS, INVITE_MS, MI_MS } from '../deadlines.ts';
import { dialogState } from '../evi.ts';
import { CALLER_TIMEOUT, type Params } from '../methods.ts';
import { DialogResult, UacResult } from '../mi.ts';
import {
  alsoRelease,
  isAnswered,
  isGone,
  legAnswered,
  type Release,
  release,
  stepRelease,
} from './release.ts';
import { type Progress, stepTransfer, type Transfer, transfer, transferCallids } from './transfer.ts';

export interface CallStart extends State {
  readonly caller: string;
  readonly callee: string;
  readonly nextHop: string;
  /** Call-ID of the first leg. */
  readonly callid: string;
  phase: 'calling' | 'answered' | 'transferring' | 'closing';
  /** Seconds that the caller may ring. */
  readonly timeout: number;
  /** The first leg's dialog, as far as events told; 0 where none came. */
  leg: number;
  rung: boolean;
  answerTold: boolean;
  dialogId?: string;
  contact?: string;
  transfer?: Transfer;
  release?: Release;
  /** The client has got `Ended`. */
  ended: boolean;
}

const FIRST_LEG_FAILED = 'failed to establish initial call: ';
const TERMINATED = '487 Request Terminated';

/** An offer that asks the phone for nothing: the REFER brings the real one. As upstream sends it. */
const SDP = [
  'v=0',
  'o=click-to-dial 0 0 IN IP4 0.0.0.0',
  's=session',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'm=audio 9 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

export const callStart: Machine<Params<'CallStart'>, CallStart> = {
  start(params, { callid, nextHop }) {
    const turn = new Turn();
    const { caller, callee, timeout = CALLER_TIMEOUT.default } = params;
    turn.request(
      'invite',
      { method: 't_uac_dlg', params: invite(caller, callee, nextHop, callid) },
      INVITE_MS,
    );
    turn.wait('caller', timeout * 1000);
    const state: CallStart = {
      follows: [callid],
      caller,
      callee,
      nextHop,
      callid,
      timeout,
      phase: 'calling',
      leg: 0,
      rung: false,
      answerTold: false,
      ended: false,
    };
    return { state, actions: turn.actions };
  },

  step(before, input) {
    const it = structuredClone(before);
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

/**
 * The INVITE as upstream sends it, but for the Contact: it points at OpenSIPS, which answers for this leg. With
 * `next_hop` it passes the routing script, without which there is no dialog and no event.
 */
function invite(caller: string, callee: string, nextHop: string, callid: string) {
  const headers = [
    `From: <${caller}>`,
    `To: <${callee}>`,
    `Contact: <${nextHop.replace(/^(sips?:)(?:[^@]*@)?([^;?]+).*$/i, '$1call-api@$2')}>`,
    'Content-Type: application/sdp',
    'CSeq: 1 INVITE',
    `Call-Id: ${callid}`,
    '',
  ].join('\r\n');
  return { method: 'INVITE', ruri: caller, next_hop: nextHop, headers, body: SDP } as const;
}

function followFirstLeg(it: CallStart, { event }: Extract<Input, { type: 'event' }>, turn: Turn): void {
  if (event.name !== 'E_DLG_STATE_CHANGED' || event.params.callid !== it.callid) return;
  const { id, old_state: from, new_state: to } = event.params;
  it.dialogId = id;
  it.leg = Math.max(it.leg, to);
  const rings = to === dialogState.ringing || from === dialogState.ringing;
  if (rings && !it.rung && !it.answerTold && it.phase !== 'closing') {
    it.rung = true;
    turn.notify('CallerRinging', { caller: it.caller, callee: it.callee });
  }
}

/** The caller's phone is being called. */
function calling(it: CallStart, input: Input, turn: Turn): void {
  switch (input.type) {
    case 'reply':
      if (input.to === 'invite') inviteAnswered(it, input.result, turn);
      if (input.to === 'look') lookedUp(it, input.result, turn);
      break;
    case 'refusal':
      if (input.to === 'invite')
        fail(it, miFailure('t_uac_dlg', input.error), turn, { calling: false, leg: false });
      if (input.to === 'look')
        fail(it, noAnswerFailure('t_uac_dlg', 'unknown', 'no such call'), turn, { calling: false });
      break;
    case 'no-answer':
      if (input.to === 'look')
        fail(it, noAnswerFailure('dlg_list', input.fate, input.why), turn, { calling: true });
      if (input.to !== 'invite') break;
      if (input.fate === 'not-run')
        fail(it, noAnswerFailure('t_uac_dlg', input.fate, input.why), turn, { leg: false });
      // Never sent again: the phone may be ringing. Its dialog tells.
      else if (it.leg === dialogState.answered || it.leg === dialogState.acknowledged)
        callerAnswered(it, turn);
      else look(it, turn);
      break;
    case 'timer':
      if (input.timer === 'caller') {
        const reason = { status: 408, reason: 'Request Timeout' };
        fail(it, timeoutFailure(`${FIRST_LEG_FAILED}408 Request Timeout`, reason), turn, { calling: true });
      }
      if (input.timer === 'look') look(it, turn);
      break;
    case 'cancel':
      fail(it, sipFailure(FIRST_LEG_FAILED, TERMINATED), turn, { calling: true });
  }
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

/** The INVITE's answer was lost: its dialog, if there is one, says how it stands. */
function look(it: CallStart, turn: Turn): void {
  turn.request('look', { method: 'dlg_list', params: { callid: it.callid } }, MI_MS);
}

function lookedUp(it: CallStart, result: unknown, turn: Turn): void {
  const found = DialogResult.safeParse(result);
  const state = found.success ? found.data.Dialog.state : dialogState.ended;
  if (found.success) it.dialogId = found.data.Dialog.ID;
  it.leg = Math.max(it.leg, state);
  if (state === dialogState.ended) {
    fail(it, noAnswerFailure('t_uac_dlg', 'unknown', 'the call has ended'), turn, {
      calling: false,
      leg: false,
    });
  } else if (state >= dialogState.answered) {
    const contact = found.success ? found.data.Dialog.CALLEES?.[0]?.callee_contact : undefined;
    if (contact) it.contact = contact;
    callerAnswered(it, turn);
  } else {
    turn.wait('look', MI_MS);
  }
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
  else proceed(it, turn);
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

/** Tells why, and ends every leg that stands: the new call outlives the first leg. */
function fail(
  it: CallStart,
  failure: Failure,
  turn: Turn,
  first: { calling?: boolean; leg?: boolean } = {},
): void {
  turn.fail(failure);
  const { calling = false, leg = true } = first;
  const legs = leg ? [{ callid: it.callid, state: it.leg, calling }] : [];
  close(it, [...legs, ...newLegs(it)], turn);
}

/** The calls that the transfer made, as far as events told of them. */
function newLegs({ callid: first, transfer }: CallStart): Parameters<typeof release>[0] {
  if (!transfer) return [];
  return transferCallids(transfer)
    .filter((callid) => callid !== first)
    .map((callid) => {
      const state = callid === transfer.newCallid ? transfer.newState : 0;
      return { callid, state, calling: false };
    });
}

function close(it: CallStart, legs: Parameters<typeof release>[0], turn: Turn): void {
  it.phase = 'closing';
  turn.stop('caller', 'look', 'acknowledged');
  if (!mayBegin(it.transfer)) turn.stop('taken', 'callee', 'search', 'verdict');
  it.release = release(legs, CLOSING_MS, turn);
  settle(it, turn);
}

function closing(it: CallStart, input: Input, turn: Turn): void {
  if (!it.release) return;
  // A CallEnd that came just after the callee's answer means the call that stands.
  if (input.type === 'cancel') alsoRelease(it.release, newLegs(it), turn);
  endLateCall(it, input, turn);
  if (input.type === 'reply' && input.to === 'invite') {
    const answer = UacResult.safeParse(input.result);
    const stands = answer.success && answer.data.Status.startsWith('2');
    legAnswered(it.release, it.callid, stands ? dialogState.answered : dialogState.ended, turn);
  }
  if (input.type === 'refusal' && input.to === 'invite')
    legAnswered(it.release, it.callid, dialogState.ended, turn);
  if (input.type === 'no-answer' && input.to === 'invite') legAnswered(it.release, it.callid, it.leg, turn);
  const course = stepRelease(it.release, input, turn);
  if (course === 'over') it.release = { legs: [], pause: 0 };
  settle(it, turn, course === 'late');
}

/** A call that comes of the transfer after all must not outlive the failure. */
function endLateCall(it: CallStart, input: Input, turn: Turn): void {
  const { transfer, release } = it;
  if (!transfer || !release || transfer.newCallid !== undefined) return;
  if (mayBegin(transfer)) {
    stepTransfer(transfer, input, turn);
    if (!mayBegin(transfer)) turn.stop('taken', 'search', 'callee', 'verdict');
  } else if (input.type === 'event' && input.event.name === 'E_CALL_TRANSFER') {
    const { callid, transfer_callid: newCallid } = input.event.params;
    if (callid === it.callid && newCallid !== '') transfer.newCallid = newCallid;
  }
  alsoRelease(release, newLegs(it), turn);
}

/** May the phone be about to make its new call? It may have hung the first leg up for it already. */
function mayBegin(transfer: Transfer | undefined): boolean {
  return transfer?.phase === 'asked' || transfer?.phase === 'accepted';
}

function settle(it: CallStart, turn: Turn, late = false): void {
  if (!it.release || it.ended || !(late || isAnswered(it.release))) return;
  it.ended = true;
  turn.ended();
}

function finish(it: CallStart, turn: Turn): Step<CallStart> {
  if (it.ended && it.release && isGone(it.release) && !mayBegin(it.transfer))
    return { state: null, actions: turn.actions };
  const follows = it.transfer ? transferCallids(it.transfer) : it.follows;
  return { state: { ...it, follows }, actions: turn.actions };
}
