/**
 * The end of a CallStart: whatever it set ringing is ended, and so is a call that comes of its transfer too late.
 * @module
 */
import type { Failure, Input, Step, Turn } from '../command.ts';
import { CLOSING_MS } from '../deadlines.ts';
import { dialogState } from '../evi.ts';
import { UacResult } from '../mi.ts';
import type { CallStart } from './call-start-state.ts';
import { alsoRelease, isAnswered, isGone, legAnswered, release, stepRelease } from './release.ts';
import type { Transfer } from './transfer/state.ts';
import { stepTransfer, stopTransfer, transferCallids } from './transfer.ts';

/** Tells why, and ends every leg that stands: the new call outlives the first leg. */
export function fail(
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

/** Ends these legs; the client is told `Ended` when each has answered, or has had its time. */
export function close(it: CallStart, legs: Parameters<typeof release>[0], turn: Turn): void {
  it.phase = 'closing';
  turn.stop('caller', 'look', 'acknowledged');
  if (!mayBegin(it.transfer)) stopTransfer(turn);
  if (it.transfer) it.transfer.abandoned = true;
  it.release = release(legs, CLOSING_MS, turn);
  settle(it, turn);
}

/** One step of the end. */
export function closing(it: CallStart, input: Input, turn: Turn): void {
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
  if (course === 'over') giveUp(it);
  settle(it, turn, course === 'late');
}

/** Whatever may still stand has had its time. */
function giveUp(it: CallStart): void {
  it.release = { legs: [], pause: 0 };
  if (it.transfer) it.transfer.phase = 'over';
}

/** A call that comes of the transfer after all must not outlive the failure. */
function endLateCall(it: CallStart, input: Input, turn: Turn): void {
  const { transfer, release } = it;
  if (!transfer || !release || transfer.newCallid !== undefined) return;
  if (mayBegin(transfer)) {
    stepTransfer(transfer, input, turn);
    if (!mayBegin(transfer)) stopTransfer(turn);
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

/** The step's outcome: nothing is left when `Ended` is told and no leg may stand. */
export function finish(it: CallStart, turn: Turn): Step<CallStart> {
  if (it.ended && it.release && isGone(it.release) && !mayBegin(it.transfer))
    return { state: null, actions: turn.actions };
  const follows = it.transfer ? transferCallids(it.transfer) : it.follows;
  return { state: { ...it, follows }, actions: turn.actions };
}
