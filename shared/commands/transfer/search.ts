/**
 * Searches `dlg_list` for the call that a transfer has made where no event told of it, or where one may have been lost.
 * @module
 */
import { type Failure, noAnswerFailure, notDoneFailure, type Turn, timeoutFailure } from '../../command.ts';
import { LAST_SEARCH_MS, MI_MS, QUIET_MS, TAKEN_MS } from '../../deadlines.ts';
import { dialogState } from '../../evi.ts';
import { code } from '../../jsonrpc.ts';
import { DialogsResult } from '../../mi.ts';
import { findCall } from '../find-call.ts';
import { begin, failed, verdict } from './course.ts';
import type { Progress, Transfer } from './state.ts';

/** Dialogs to a page: with their SDP they take 2 to 4 KB each, and a reply over 65,457 bytes fails whole. */
export const PAGE = 12;

const NOT_REACHED = `transfer failed: the phone did not take it, or its destination was not reached, within ${TAKEN_MS / 1000} s`;

/** Searches the list from its beginning. */
export function search(it: Transfer, turn: Turn): void {
  it.page = { ...it.page, index: 0 };
  find(it, turn);
}

/** Asks for the page that is due. */
export function find(it: Transfer, turn: Turn): void {
  turn.request('find', { method: 'dlg_list', params: it.page }, MI_MS);
}

/** The deadline has passed: one last search decides. */
export function searchLast(it: Transfer, turn: Turn): void {
  it.last = true;
  turn.stop('search');
  turn.wait('last-search', LAST_SEARCH_MS);
  search(it, turn);
}

/** A page that does not fit into a datagram fails with 500: a shorter one is asked for. */
export function pageRefused(it: Transfer, turn: Turn): Progress[] {
  if (it.page.counter === 1) return notFound(it, turn);
  it.page = { ...it.page, counter: Math.ceil(it.page.counter / 2) };
  find(it, turn);
  return [];
}

/** Nobody answered: without the list, the last search decides nothing. */
export function pageUnanswered(it: Transfer, turn: Turn): Progress[] {
  if (!it.last) return notFound(it, turn);
  turn.wait('search', QUIET_MS);
  return [];
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
export function givenUp(it: Transfer, turn: Turn): Progress[] {
  it.last = false;
  turn.wait('taken', TAKEN_MS);
  return [
    {
      type: 'failed',
      failure: noAnswerFailure('dlg_list', 'unknown', 'so how the transfer went is not known'),
    },
  ];
}

/** A page of the list. */
export function onList(it: Transfer, result: unknown, turn: Turn): Progress[] {
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
