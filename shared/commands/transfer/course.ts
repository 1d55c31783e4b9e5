/**
 * The course of a transfer that OpenSIPS has taken: begun, pending, answered or failed, by its events, or by the state of
 * the new dialog where one was lost.
 * @module
 */
import type { z } from 'zod';
import { type Failure, type Input, sipFailure, type Turn, timeoutFailure } from '../../command.ts';
import { CALLEE_MS, OVERDUE_MS, TAKEN_MS, VERDICT_MS } from '../../deadlines.ts';
import { dialogState, type TransferEvent } from '../../evi.ts';
import type { Progress, Transfer } from './state.ts';

const FAILED = 'transfer failed with status ';

/** OpenSIPS has taken it: events that overtook its reply count from now on. @param told by its reply, not by what came of it */
export function accepted(it: Transfer, turn: Turn, told: boolean): Progress[] {
  it.phase = 'accepted';
  turn.wait('taken', TAKEN_MS);
  if (it.doubt) turn.wait('search', it.pause);
  const progress: Progress[] = told ? tell(it) : [];
  for (const { input } of it.early.splice(0)) progress.push(...onEvent(it, input, turn));
  return progress;
}

function tell(it: Transfer): Progress[] {
  if (it.told) return [];
  it.told = true;
  return [{ type: 'accepted' }];
}

/** An event, once it is taken. */
export function onEvent(
  it: Transfer,
  { event, at }: Extract<Input, { type: 'event' }>,
  turn: Turn,
): Progress[] {
  if (it.phase === 'over') return [];
  if (event.name === 'E_CALL_TRANSFER') return onTransferEvent(it, event.params, turn);
  if (event.name !== 'E_DLG_STATE_CHANGED') return [];
  const { callid, id, new_state: state } = event.params;
  if (callid === it.callid) {
    it.dialogId = id;
    if (state === dialogState.ended) {
      it.endedAt = at;
      if (it.phase === 'accepted') turn.wait('search', it.pause);
    }
    return [];
  }
  if (callid !== it.newCallid || state <= it.newState) return [];
  it.newState = state;
  if (it.unmatched) return state >= dialogState.answered ? verdict(it) : [];
  // OpenSIPS raises `ok` or `fail` with these states; if that is lost, they decide.
  if (state >= dialogState.answered) turn.wait('verdict', VERDICT_MS);
  return [];
}

function onTransferEvent(
  it: Transfer,
  params: z.infer<typeof TransferEvent>['params'],
  turn: Turn,
): Progress[] {
  if (params.callid !== it.callid) return [];
  const { transfer_callid: newCallid, destination, state, status } = params;
  if (newCallid === '') return state === 'notify' ? onStrayNotify(it, status) : [];
  if (it.phase === 'begun' && newCallid !== it.newCallid) return [];
  const progress = it.phase === 'begun' ? [] : begin(it, newCallid, destination, turn);
  if (destination !== '') it.lookedUp = destination;
  switch (state) {
    case 'notify':
      it.lastStatus = status;
      if (isFinal(status)) turn.wait('verdict', VERDICT_MS);
      return [...progress, { type: 'pending', callid: newCallid, destination: it.lookedUp, status }];
    case 'ok':
      return [...progress, ...answered(it)];
    case 'fail':
      return [...progress, ...failed(it, sipFailure(FAILED, status))];
    default:
      return progress;
  }
}

/** The phone tells how it went before any new call was seen. */
function onStrayNotify(it: Transfer, status: string): Progress[] {
  const refused = it.phase === 'accepted' && isFinal(status) && !status.startsWith('2');
  return refused ? failed(it, sipFailure(FAILED, status)) : [];
}

/** The phone has begun its new call. */
export function begin(it: Transfer, newCallid: string, destination: string, turn: Turn): Progress[] {
  it.phase = 'begun';
  it.newCallid = newCallid;
  if (destination !== '') it.lookedUp = destination;
  turn.stop('taken', 'search', 'last-search');
  turn.wait('callee', CALLEE_MS);
  turn.wait('look-new', it.unmatched ? OVERDUE_MS : it.lookPause);
  return [...tell(it), { type: 'begun', callid: newCallid, destination: it.lookedUp }];
}

function answered(it: Transfer): Progress[] {
  it.phase = 'over';
  return [{ type: 'answered', callid: it.newCallid ?? '', destination: it.lookedUp }];
}

export function failed(it: Transfer, failure: Failure): Progress[] {
  it.phase = 'over';
  return [{ type: 'failed', failure }];
}

/** What the new dialog's state, or the phone's own last word, says of the outcome. */
export function verdict(it: Transfer): Progress[] {
  if (it.newState === dialogState.answered || it.newState === dialogState.acknowledged) return answered(it);
  if (isFinal(it.lastStatus)) {
    return it.lastStatus.startsWith('2') ? answered(it) : failed(it, sipFailure(FAILED, it.lastStatus));
  }
  return failed(it, sipFailure(FAILED, '487 Request Terminated'));
}

/** The destination has not answered for as long as a phone may ring. */
export function tooLate(it: Transfer): Progress[] {
  const sip = { status: 408, reason: 'Request Timeout' };
  return failed(it, timeoutFailure(`${FAILED}408 Request Timeout`, sip));
}

function isFinal(status: string): boolean {
  return /^[2-6]\d\d/.test(status);
}
