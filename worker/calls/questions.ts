/** CallList, CallGet, CallWatch, CallUnwatch and CommandGet: answered at once, from what the edge knows. @module */
import { CALL_STATES } from '../../shared/calls.ts';
import { viewOf } from '../../shared/command-view.ts';
import { code, failure, issues, type RpcRequest, type RpcResponse, success } from '../../shared/jsonrpc.ts';
import { type Query, type QueryParams, queries } from '../../shared/methods.ts';
import type { Command } from '../../shared/stored-command.ts';
import type { ClientSocket } from '../attachments.ts';
import { unreadable } from '../authorisation.ts';
import type { Calls } from '../calls.ts';
import { invalid, notAllowed } from '../dispatch.ts';
import type { Logged } from '../store.ts';
import type { Kept } from './kept.ts';
import { addressOf, type Page } from './listing.ts';
import { concerns, textOf, WATCHED_MOST, type Watchers } from './watchers.ts';

/** Calls in a snapshot at most, some 4 MB: of more, CallList gives the rest. */
const SNAPSHOT = 10_000;

const STANDING = CALL_STATES.filter((state) => state !== 'ended');

/** What is asked of. */
export interface Board {
  readonly calls: Calls;
  readonly watchers: Watchers;
  /** A command of that subject, if it runs or is kept. */
  readonly command: (subject: string, cmdId: string) => Command | undefined;
  /** What a subject was told of its commands after that number, as far as it is kept whole. */
  readonly told: (subject: string, since: number) => readonly Logged[] | undefined;
  /** The last number of the site that was given. */
  readonly last: number;
  readonly linked: boolean;
  /** Writes what is pending, so that what is read is all of it. */
  readonly write: () => void;
  readonly now: number;
}

/** What comes of a question: its answer, and what is to be told behind it. */
export interface Answered {
  readonly response: RpcResponse;
  readonly after: readonly string[];
}

/** Answers one who asks: on a socket, where what is asked stays with it (`OF_SOCKETS`). */
export function answer(
  request: RpcRequest & { readonly method: Query },
  socket: WebSocket | undefined,
  client: ClientSocket,
  board: Board,
): Answered {
  const { id = null, method, params = {} } = request;
  // Who may give a command may know what became of it: nobody else's is shown.
  const refused = method === 'CommandGet' ? undefined : unreadable(client);
  if (refused !== undefined) return only(notAllowed(id, refused));
  const checked = queries[method].safeParse(params);
  if (!checked.success) return only(invalid(id, issues(checked.error)));
  switch (method) {
    case 'CallList': {
      const listed = list(checked.data as QueryParams<'CallList'>, client, board);
      return only(typeof listed === 'string' ? invalid(id, listed) : success(id, listed));
    }
    case 'CallGet': {
      const { callid } = checked.data as QueryParams<'CallGet'>;
      const kept = own(board.calls.find(callid), client);
      if (kept) return only(success(id, { call: kept.call, timeline: kept.timeline }));
      const data = 'no such call is known here';
      return only(failure(id, { code: code.gone, message: 'Gone', data }));
    }
    case 'CallWatch': {
      const watched = watch(checked.data as QueryParams<'CallWatch'>, needed(socket), client, board);
      if (typeof watched === 'string') return only(invalid(id, watched));
      return { response: success(id, watched.result), after: watched.after };
    }
    case 'CallUnwatch': {
      const { callid } = checked.data as QueryParams<'CallUnwatch'>;
      board.watchers.unwatch(needed(socket), client, callid);
      board.calls.watched(board.watchers.any, board.now);
      return only(success(id, {}));
    }
    case 'CommandGet': {
      const { cmd_id } = checked.data as QueryParams<'CommandGet'>;
      const command = board.command(client.subject, cmd_id);
      if (command) return only(success(id, viewOf(command)));
      const data = 'no such command is known here: it was never given, or is no longer kept';
      return only(failure(id, { code: code.gone, message: 'Gone', data }));
    }
  }
}

/** Nobody who has none asks for what needs one. */
function needed(socket: WebSocket | undefined): WebSocket {
  if (!socket) throw new Error('this needs a socket');
  return socket;
}

function only(response: RpcResponse): Answered {
  return { response, after: [] };
}

function list(asked: QueryParams<'CallList'>, client: ClientSocket, { calls }: Board): object | string {
  const address = asked.address === undefined ? undefined : addressOf(asked.address);
  if (asked.address !== undefined && address === undefined)
    return 'address: neither a SIP URI nor user@host, such as alice@example.com';
  const states = typeof asked.state === 'string' ? [asked.state] : asked.state;
  const filter = { states, address, since: asked.since, owner: ownerFor(client) };
  return calls.list(filter, asked.limit, asked.cursor);
}

/** What the client has seen of the calls so far, and from now on every change: nothing falls between the two. */
function watch(
  { callid, since }: QueryParams<'CallWatch'>,
  socket: WebSocket,
  client: ClientSocket,
  { calls, watchers, last, linked, write, now }: Board,
): { readonly result: object; readonly after: readonly string[] } | string {
  // Recorded from now on, the number that is told stands for all that has been before.
  write();
  const known = since !== undefined && since <= last ? calls.missed(since) : undefined;
  const seq = calls.mark();
  if (!watchers.watch(socket, client, callid, seq))
    return `callid: a socket watches ${WATCHED_MOST} single calls at most; watch all of them, or fewer`;
  calls.watched(true, now);
  const common = { seq, link: linked ? 'Up' : 'Down' };
  const watches = callid === undefined ? { all: true, callids: [] } : { all: false, callids: [callid] };
  if (known) {
    const missed = known.filter((news) => concerns(news, { ...client, watches }));
    const changed = new Set(missed.flatMap((news) => ('call' in news ? [news.call.callid] : [])));
    const now = [...changed].flatMap((each) => calls.find(each)?.call ?? []);
    return { result: { calls: now, ...common }, after: missed.map(textOf) };
  }
  const reset = since === undefined ? {} : { reset: true };
  if (callid !== undefined) {
    const kept = own(calls.find(callid), client);
    return { result: { calls: kept ? [kept.call] : [], ...common, ...reset }, after: [] };
  }
  return { result: { ...standing(client, calls), ...common, ...reset }, after: [] };
}

/** The calls that stand, as far as the client may see them. */
export function standing(client: ClientSocket, calls: Calls): Page {
  return calls.list({ states: STANDING, owner: ownerFor(client) }, SNAPSHOT);
}

/** Of one who is bound to an address, only its own calls exist. */
function ownerFor({ caller, subject }: ClientSocket): string | undefined {
  return caller === undefined ? undefined : subject;
}

function own(kept: Kept | undefined, client: ClientSocket): Kept | undefined {
  const owner = ownerFor(client);
  return owner === undefined || kept?.owner === owner ? kept : undefined;
}
