/**
 * One `call_transfer`, as CallStart, CallBlindTransfer and CallAttendedTransfer share it: accepted,
 * begun, pending, answered or failed. What the phone says to the REFER is told nowhere, so timers and dialog
 * states stand in for what OpenSIPS leaves out.
 * @module
 */
import { type Input, miFailure, noAnswerFailure, type Turn } from '../command.ts';
import { LOOK_MS, MI_MS, QUIET_MS, REFER_TRIES } from '../deadlines.ts';
import { NOT_FOUND } from '../mi.ts';
import { accepted, failed, onEvent, tooLate, verdict } from './transfer/course.ts';
import { gone, look, lookedUp, lookLater } from './transfer/look.ts';
import {
  find,
  givenUp,
  onList,
  PAGE,
  pageRefused,
  pageUnanswered,
  search,
  searchLast,
} from './transfer/search.ts';
import type { Progress, Transfer, TransferCommand } from './transfer/state.ts';

/** More events than a transfer ever raises; past it the earliest count. */
const MAX_EARLY = 32;

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
      return pageRefused(it, turn);
    default:
      return [];
  }
}

function noAnswer(it: Transfer, input: Extract<Input, { type: 'no-answer' }>, turn: Turn): Progress[] {
  switch (input.to) {
    case 'find':
      return pageUnanswered(it, turn);
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

function onTimer(it: Transfer, timer: string, turn: Turn): Progress[] {
  switch (timer) {
    case 'search':
      find(it, turn);
      return [];
    case 'look-new':
      look(it, turn);
      return [];
    case 'taken':
      searchLast(it, turn);
      return [];
    case 'last-search':
      return givenUp(it, turn);
    case 'callee':
      return tooLate(it);
    case 'verdict':
      return verdict(it);
    default:
      return [];
  }
}
