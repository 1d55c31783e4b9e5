/** Answers CallList, CallGet, CallWatch, CallUnwatch and CommandGet at once, from what the edge knows. @module */
import { CALL_STATES } from '../../../shared/calls/call.ts';
import { toCommandView } from '../../../shared/protocol/rpc/command-view.ts';
import {
  errorCode,
  errorResponse,
  type RpcRequest,
  type RpcResponse,
  successResponse,
} from '../../../shared/protocol/rpc/jsonrpc.ts';
import { type QueryMethod, type QueryParams, queryParams } from '../../../shared/protocol/rpc/queries.ts';
import { showValue, validate } from '../../../shared/protocol/validation/validate.ts';
import type { Command } from '../../../shared/runner/stored-command.ts';
import type { CallRecord } from '../calls/call-record.ts';
import type { Calls } from '../calls/calls.ts';
import { addressOf, type CallPage, LIST_PAGE } from '../calls/listing.ts';
import {
  frameText,
  isVisibleTo,
  MAX_WATCHED_CALLS,
  MAX_WATCHED_CHARACTERS,
  type Watchers,
} from '../calls/watchers.ts';
import type { ClientSocket } from '../sockets/attachments.ts';
import type { LoggedNotification } from '../store/command-log.ts';
import { readRejectReason } from './authorization.ts';
import { invalidParamsResponse, notAllowedResponse } from './dispatch.ts';

/** Calls in a snapshot, some 4 MB. CallList gives the rest. */
const MAX_SNAPSHOT_CALLS = 10_000;

/** What a socket does already that cannot watch one more call. */
const WATCH_LIMITS = {
  calls: `watches ${MAX_WATCHED_CALLS} single calls already`,
  characters: `cannot watch single calls whose Call-IDs have more than ${MAX_WATCHED_CHARACTERS} characters together`,
} as const;

const ACTIVE_STATES = CALL_STATES.filter((state) => state !== 'ended');

/** What queries read. */
export interface QueryContext {
  readonly calls: Calls;
  readonly watchers: Watchers;
  /** Finds a command of a subject, running or ended, if it is kept. */
  readonly findCommand: (subject: string, cmdId: string) => Command | undefined;
  /** Returns the notifications of a subject's commands after a number; undefined if they are not all kept. */
  readonly notifications: (subject: string, since: number) => readonly LoggedNotification[] | undefined;
  /** The last number that the site has taken. */
  readonly lastSeq: number;
  readonly isLinkUp: boolean;
  /** Writes pending changes, so that the log contains all of them. */
  readonly flush: () => void;
  readonly now: number;
}

/** The answer to a query, and the frames that follow it. */
export interface QueryReply {
  readonly response: RpcResponse;
  readonly followUps: readonly string[];
}

/** Answers a query. Some methods need a socket (see `SOCKET_ONLY_METHODS`). */
export function answerQuery(
  request: RpcRequest & { readonly method: QueryMethod },
  socket: WebSocket | undefined,
  client: ClientSocket,
  context: QueryContext,
): QueryReply {
  const { id = null, method, params = {} } = request;
  // A client that may run a command may read its own commands without the scope `read`.
  const rejected = method === 'CommandGet' ? undefined : readRejectReason(client);
  if (rejected !== undefined) return replyWith(notAllowedResponse(id, rejected));
  const checked = validate(queryParams[method], params, 'params');
  if (!checked.success) return replyWith(invalidParamsResponse(id, checked.error));
  // What a client is shown must not be forgotten, nor its numbers be used again.
  if (method !== 'CommandGet' && method !== 'CallUnwatch') context.calls.requestWriteOfAll();
  switch (method) {
    case 'CallList': {
      const listed = list(checked.data as QueryParams<'CallList'>, client, context);
      return replyWith(
        typeof listed === 'string' ? invalidParamsResponse(id, listed) : successResponse(id, listed),
      );
    }
    case 'CallGet': {
      const { callid } = checked.data as QueryParams<'CallGet'>;
      const record = visibleRecord(context.calls.find(callid), client);
      if (record) return replyWith(successResponse(id, { call: record.call, timeline: record.timeline }));
      const data =
        'callid: no call with this Call-ID is known. It does not exist, or is no longer stored. List the calls with CallList.';
      return replyWith(errorResponse(id, { code: errorCode.gone, message: 'Gone', data }));
    }
    case 'CallWatch': {
      const watched = watch(checked.data as QueryParams<'CallWatch'>, requireSocket(socket), client, context);
      if (typeof watched === 'string') return replyWith(invalidParamsResponse(id, watched));
      return { response: successResponse(id, watched.result), followUps: watched.followUps };
    }
    case 'CallUnwatch': {
      const { callid } = checked.data as QueryParams<'CallUnwatch'>;
      context.watchers.unwatch(requireSocket(socket), client, callid);
      context.calls.setWatched(context.watchers.any, context.now);
      return replyWith(successResponse(id, {}));
    }
    case 'CommandGet': {
      const { cmd_id } = checked.data as QueryParams<'CommandGet'>;
      const command = context.findCommand(client.subject, cmd_id);
      if (command) return replyWith(successResponse(id, toCommandView(command)));
      const data =
        'cmd_id: no command of yours with this cmd_id is known. It was never sent, or is no longer stored.';
      return replyWith(errorResponse(id, { code: errorCode.gone, message: 'Gone', data }));
    }
  }
}

/** The server rejects these methods before, if there is no socket. */
function requireSocket(socket: WebSocket | undefined): WebSocket {
  if (!socket) throw new Error('This query needs a socket');
  return socket;
}

function replyWith(response: RpcResponse): QueryReply {
  return { response, followUps: [] };
}

function list(
  params: QueryParams<'CallList'>,
  client: ClientSocket,
  { calls }: QueryContext,
): object | string {
  const address = params.address === undefined ? undefined : addressOf(params.address);
  if (params.address !== undefined && address === undefined)
    return `address: ${showValue(params.address)} is neither a SIP URI nor user@host. Use one such as alice@example.com.`;
  const states = typeof params.state === 'string' ? [params.state] : params.state;
  const filter = { states, address, since: params.since, owner: ownerFilter(client) };
  return calls.list(filter, params.limit, params.cursor, LIST_PAGE);
}

/** Returns a snapshot of the calls, or the changes since one. Every change after it is sent, so nothing is missed in between. */
function watch(
  { callid, since }: QueryParams<'CallWatch'>,
  socket: WebSocket,
  client: ClientSocket,
  { calls, watchers, lastSeq, isLinkUp, flush, now }: QueryContext,
): { readonly result: object; readonly followUps: readonly string[] } | string {
  // With all changes written, the number of the snapshot covers everything before it.
  flush();
  const changes = since !== undefined && since <= lastSeq ? calls.changesSince(since) : undefined;
  const seq = calls.takeSeq();
  const exceeded = watchers.watch(socket, client, callid, seq);
  if (exceeded)
    return `callid: this socket ${WATCH_LIMITS[exceeded]}. Stop watching one with CallUnwatch, or watch all calls.`;
  calls.setWatched(true, now);
  const common = { seq, link: isLinkUp ? 'Up' : 'Down' };
  const watches = callid === undefined ? { all: true, callids: [] } : { all: false, callids: [callid] };
  if (changes) {
    const visible = changes.filter((change) => isVisibleTo(change, { ...client, watches }));
    const changed = new Set(visible.flatMap((change) => ('call' in change ? [change.call.callid] : [])));
    const current = [...changed].flatMap((each) => calls.find(each)?.call ?? []);
    return { result: { calls: current, ...common }, followUps: visible.map(frameText) };
  }
  const reset = since === undefined ? {} : { reset: true };
  if (callid !== undefined) {
    const record = visibleRecord(calls.find(callid), client);
    return { result: { calls: record ? [record.call] : [], ...common, ...reset }, followUps: [] };
  }
  return { result: { ...activeCalls(client, calls), ...common, ...reset }, followUps: [] };
}

/** Returns the active calls that a client may see. */
export function activeCalls(client: ClientSocket, calls: Calls): CallPage {
  return calls.list({ states: ACTIVE_STATES, owner: ownerFilter(client) }, MAX_SNAPSHOT_CALLS);
}

/** A client that is bound to an address sees only its own calls. */
function ownerFilter({ caller, subject }: ClientSocket): string | undefined {
  return caller === undefined ? undefined : subject;
}

function visibleRecord(record: CallRecord | undefined, client: ClientSocket): CallRecord | undefined {
  const owner = ownerFilter(client);
  return owner === undefined || record?.owner === owner ? record : undefined;
}
