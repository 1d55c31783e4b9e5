/**
 * The course of one `call_transfer`, as CallStart, CallBlindTransfer and CallAttendedTransfer share it: accepted,
 * begun, pending, answered or failed. What the phone says to the REFER is told nowhere, so timers and dialog
 * states stand in for what OpenSIPS leaves out.
 * @module
 */

import type { z } from 'zod';
import {
  type Failure,
  type Input,
  miFailure,
  noAnswerFailure,
  notDoneFailure,
  sipFailure,
  type Turn,
  timeoutFailure,
} from '../command.ts';
import {
  CALLEE_MS,
  LAST_SEARCH_MS,
  LOOK_LONGEST_MS,
  LOOK_MS,
  MI_MS,
  OVERDUE_MS,
  QUIET_MS,
  REFER_TRIES,
  TAKEN_MS,
  VERDICT_MS,
} from '../deadlines.ts';
import { dialogState, type Leg, type TransferEvent } from '../evi.ts';
import { code } from '../jsonrpc.ts';
import { DialogResult, DialogsResult, type MiCommand, NOT_FOUND } from '../mi.ts';
import { findCall } from './find-call.ts';

type TransferCommand = Extract<MiCommand, { method: 'call_transfer' }>;

/** Where a transfer stands. */
export interface Transfer {
  /** The dialog whose party is sent away. */
  readonly callid: string;
  readonly leg: Leg;
  /** As it was asked; empty in an attended transfer that names none. */
  readonly destination: string;
  readonly command: TransferCommand;
  phase: 'asked' | 'accepted' | 'begun' | 'over';
  /** Was `Accepted` told? A lost reply must not put the client's events out of order. */
  told: boolean;
  /** Events that overtook the reply: they may be another transfer's, if OpenSIPS refuses this one. */
  early: { readonly input: Extract<Input, { type: 'event' }> }[];
  /** The dialog's id in OpenSIPS, once an event names it. */
  dialogId?: string;
  /** The contact of the phone that is sent away, once known. */
  contact?: string;
  /** When the dialog was last heard of before that, and when it ended, in milliseconds of the adapter's clock. */
  seenAt?: number;
  endedAt?: number;
  newCallid?: string;
  newState: number;
  /** The destination after OpenSIPS's lookup. */
  lookedUp: string;
  /** The last word that the phone itself gave. */
  lastStatus: string;
  /** Found in the list: no E_CALL_TRANSFER will come. */
  unmatched: boolean;
  /** The page of `dlg_list` that is being read. */
  page: { index: number; counter: number };
  pause: number;
  lookPause: number;
  /** The answer was lost, and it was asked once more: OpenSIPS transfers a dialog once, so that does no harm. */
  again: boolean;
  /** How often no adapter was there to take it. */
  tries: number;
  /** Nobody wants it any more: it is asked for no more, only what may come of it is looked for. */
  abandoned: boolean;
  /** The last search was in vain once: a dialog that ended meanwhile may have moved the pages. */
  vain: boolean;
  /** Events may have been missed. */
  doubt: boolean;
  /** The deadline has passed; one last search decides. */
  last: boolean;
}

/** What a step brought, for the command to tell its client. */
export type Progress =
  | { readonly type: 'accepted' }
  | { readonly type: 'begun'; readonly callid: string; readonly destination: string }
  | {
      readonly type: 'pending';
      readonly callid: string;
      readonly destination: string;
      readonly status: string;
    }
  | { readonly type: 'answered'; readonly callid: string; readonly destination: string }
  | { readonly type: 'failed'; readonly failure: Failure };

/** Dialogs to a page: with their SDP they take 2 to 4 KB each, and a reply over 65,457 bytes fails whole. */
const PAGE = 12;
/** More events than a transfer ever raises; past it the earliest count. */
const MAX_EARLY = 32;
const FAILED = 'transfer failed with status ';
const NOT_REACHED = `transfer failed: the phone did not take it, or its destination was not reached, within ${TAKEN_MS / 1000} s`;

/** Sends the REFER. `known` is what the command knows of the dialog. */
export function transfer(
  command: TransferCommand,
  known: Pick<Transfer, 'callid' | 'leg' | 'destination'> &
    Partial<Pick<Transfer, 'dialogId' | 'contact' | 'seenAt'>>,
  turn: Turn,
): Transfer {
  turn.request('transfer', command, MI_MS);
  return {
    ...known,
    command,
    phase: 'asked',
    told: false,
    early: [],
    newState: 0,
    lookedUp: known.destination,
    lastStatus: '',
    unmatched: false,
    page: { index: 0, counter: PAGE },
    pause: QUIET_MS,
    lookPause: LOOK_MS,
    again: false,
    tries: 0,
    abandoned: false,
    vain: false,
    doubt: false,
    last: false,
  };
}

/** The Call-IDs that matter to it. */
export function transferCallids(it: Transfer): string[] {
  const early = it.early.flatMap(({ input: { event } }) =>
    event.name === 'E_CALL_TRANSFER' && event.params.transfer_callid ? [event.params.transfer_callid] : [],
  );
  return [...new Set([it.callid, ...early, ...(it.newCallid === undefined ? [] : [it.newCallid])])];
}

/** One step; what it brings is in order. */
export function stepTransfer(it: Transfer, input: Input, turn: Turn): Progress[] {
  const progress = advance(it, input, turn);
  if (it.phase === 'over') stopTransfer(turn);
  return progress;
}

/** Stops waiting for anything. */
export function stopTransfer(turn: Turn): void {
  turn.stop('taken', 'callee', 'search', 'verdict', 'look-new', 'last-search');
}

function advance(it: Transfer, input: Input, turn: Turn): Progress[] {
  if (it.phase === 'over' || isLate(it, input)) return [];
  switch (input.type) {
    case 'event':
      if (it.phase !== 'asked') return onEvent(it, input, turn);
      if (it.early.length < MAX_EARLY) it.early.push({ input });
      return [];
    case 'reply':
      if (input.to === 'transfer') return accepted(it, turn, true);
      if (input.to === 'look-new') return lookedUp(it, input.result, turn);
      return input.to === 'find' ? onList(it, input.result, turn) : [];
    case 'refusal':
      return refused(it, input, turn);
    case 'no-answer':
      return noAnswer(it, input, turn);
    case 'timer':
      return onTimer(it, input.timer, turn);
    case 'settle':
      settle(it, turn);
      return [];
    default:
      return [];
  }
}

/** An answer to a search that events have overtaken. */
function isLate({ phase }: Transfer, input: Input): boolean {
  return 'to' in input && input.to === 'find' && phase !== 'accepted';
}

/** Asked again, OpenSIPS says so where it had taken it the first time; then the dialog may be gone already. */
const PENDING = 491;

function refused(it: Transfer, { to, error }: Extract<Input, { type: 'refusal' }>, turn: Turn): Progress[] {
  switch (to) {
    case 'transfer':
      if (it.again && (error.code === PENDING || error.code === NOT_FOUND)) return accepted(it, turn, false);
      return failed(it, miFailure('call_transfer', error));
    case 'look-new':
      if (error.code === NOT_FOUND) gone(it, turn);
      else lookLater(it, turn);
      return [];
    case 'find':
      if (it.page.counter === 1) return notFound(it, turn);
      // A page that does not fit into a datagram fails with 500: ask for a shorter one.
      it.page = { ...it.page, counter: Math.ceil(it.page.counter / 2) };
      find(it, turn);
      return [];
    default:
      return [];
  }
}

function noAnswer(it: Transfer, input: Extract<Input, { type: 'no-answer' }>, turn: Turn): Progress[] {
  switch (input.to) {
    case 'find':
      if (!it.last) return notFound(it, turn);
      turn.wait('search', QUIET_MS);
      return [];
    case 'look-new':
      lookLater(it, turn);
      return [];
    case 'transfer':
      return unanswered(it, input, turn);
    default:
      return [];
  }
}

/** The REFER was lost, or its answer: it is asked for once more, or again once there is an adapter. */
function unanswered(
  it: Transfer,
  { fate, why }: Extract<Input, { type: 'no-answer' }>,
  turn: Turn,
): Progress[] {
  it.doubt = true;
  // Whatever became of the second, the first may have run.
  if (it.again || (it.abandoned && fate === 'unknown')) return accepted(it, turn, false);
  if (fate === 'not-run' && (it.abandoned || ++it.tries >= REFER_TRIES))
    return failed(it, noAnswerFailure('call_transfer', fate, why));
  it.again = fate === 'unknown';
  turn.request('transfer', it.command, MI_MS);
  return [];
}

/** Reads from OpenSIPS what events may have said unheard. */
function settle(it: Transfer, turn: Turn): void {
  it.doubt = true;
  if (it.phase === 'accepted') search(it, turn);
  if (it.phase === 'begun') look(it, turn);
}

function accepted(it: Transfer, turn: Turn, told: boolean): Progress[] {
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

function onEvent(it: Transfer, { event, at }: Extract<Input, { type: 'event' }>, turn: Turn): Progress[] {
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

function begin(it: Transfer, newCallid: string, destination: string, turn: Turn): Progress[] {
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

function failed(it: Transfer, failure: Failure): Progress[] {
  it.phase = 'over';
  return [{ type: 'failed', failure }];
}

function onTimer(it: Transfer, timer: string, turn: Turn): Progress[] {
  switch (timer) {
    case 'search':
      find(it, turn);
      return [];
    case 'look-new':
      look(it, turn);
      return [];
    case 'taken':
      it.last = true;
      turn.stop('search');
      turn.wait('last-search', LAST_SEARCH_MS);
      search(it, turn);
      return [];
    case 'last-search':
      return givenUp(it, turn);
    case 'callee':
      return failed(
        it,
        timeoutFailure(`${FAILED}408 Request Timeout`, { status: 408, reason: 'Request Timeout' }),
      );
    case 'verdict':
      return verdict(it);
    default:
      return [];
  }
}

/** What the new dialog's state, or the phone's own last word, says of the outcome. */
function verdict(it: Transfer): Progress[] {
  if (it.newState === dialogState.answered || it.newState === dialogState.acknowledged) return answered(it);
  if (isFinal(it.lastStatus)) {
    return it.lastStatus.startsWith('2') ? answered(it) : failed(it, sipFailure(FAILED, it.lastStatus));
  }
  return failed(it, sipFailure(FAILED, '487 Request Terminated'));
}

function isFinal(status: string): boolean {
  return /^[2-6]\d\d/.test(status);
}

function look(it: Transfer, turn: Turn): void {
  turn.request('look-new', { method: 'dlg_list', params: { callid: it.newCallid ?? '' } }, MI_MS);
}

function lookLater(it: Transfer, turn: Turn): void {
  turn.wait('look-new', it.lookPause);
  it.lookPause = Math.min(it.lookPause * 2, LOOK_LONGEST_MS);
}

function lookedUp(it: Transfer, result: unknown, turn: Turn): Progress[] {
  const found = DialogResult.safeParse(result);
  const state = found.success ? found.data.Dialog.state : 0;
  if (state === dialogState.ended) {
    gone(it, turn);
    return [];
  }
  it.newState = Math.max(it.newState, state);
  if (state >= dialogState.answered) return verdict(it);
  lookLater(it, turn);
  return [];
}

/** OpenSIPS knows the new call no more; its last event may still be under way. */
function gone(it: Transfer, turn: Turn): void {
  if (it.newState < dialogState.answered) it.newState = dialogState.ended;
  turn.wait('verdict', VERDICT_MS);
}

function search(it: Transfer, turn: Turn): void {
  it.page = { ...it.page, index: 0 };
  find(it, turn);
}

function find(it: Transfer, turn: Turn): void {
  turn.request('find', { method: 'dlg_list', params: it.page }, MI_MS);
}

/** The new call is not there (yet). Without a reason to expect it, events will tell. */
function notFound(it: Transfer, turn: Turn): Progress[] {
  const moved = it.page.index > 0 && !it.vain;
  it.page = { ...it.page, index: 0 };
  if (it.last && !moved) return failed(it, notReached(it));
  if (it.last) {
    it.vain = true;
    turn.wait('search', QUIET_MS);
  } else if (it.endedAt !== undefined || it.doubt) {
    it.pause *= 2;
    turn.wait('search', it.pause);
  }
  return [];
}

/** A phone that strips `osid` is known by its contact alone: without that, nobody can tell. */
function notReached({ endedAt, contact }: Transfer): Failure {
  if (endedAt === undefined) return timeoutFailure(NOT_REACHED);
  if (contact !== undefined) return notDoneFailure(NOT_REACHED);
  return { sentence: NOT_REACHED, error: { code: code.unknown, message: NOT_REACHED } };
}

/** The last search got no answer: the client is told, and whoever must end a late call may go on searching. */
function givenUp(it: Transfer, turn: Turn): Progress[] {
  it.last = false;
  turn.wait('taken', TAKEN_MS);
  return [
    {
      type: 'failed',
      failure: noAnswerFailure('dlg_list', 'unknown', 'so how the transfer went is not known'),
    },
  ];
}

function onList(it: Transfer, result: unknown, turn: Turn): Progress[] {
  const list = DialogsResult.safeParse(result);
  const dialogs = list.success ? list.data.Dialogs : [];
  const old = dialogs.find((each) => each.callid === it.callid);
  if (it.dialogId === undefined && old) it.dialogId = old.ID;
  const contact = it.leg === 'caller' ? old?.caller_contact : old?.CALLEES?.[0]?.callee_contact;
  if (it.contact === undefined && contact) it.contact = contact;
  // The phone may have kept the old dialog until we ended it, long after its new call began.
  const since = it.seenAt ?? it.endedAt;
  const found = findCall(dialogs, since === undefined ? it : { ...it, endedAt: since });
  if (found) {
    it.unmatched = true;
    it.newState = found.state;
    const progress = begin(it, found.callid, '', turn);
    return found.state >= dialogState.answered ? [...progress, ...verdict(it)] : progress;
  }
  if (dialogs.length < it.page.counter) return notFound(it, turn);
  it.page = { ...it.page, index: it.page.index + it.page.counter };
  find(it, turn);
  return [];
}
