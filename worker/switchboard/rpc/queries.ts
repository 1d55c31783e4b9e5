/** Answers CallList, CallGet, CallWatch, CallUnwatch and CommandGet at once, from what the edge knows. @module */
import { CALL_STATES } from '../../../shared/calls/call.ts';
import { addressOf } from '../../../shared/calls/call-filter.ts';
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
import type { CallPage } from '../calls/listing.ts';
import { MAX_WATCHED_CALLS, MAX_WATCHED_CHARACTERS, type Watchers } from '../calls/watchers.ts';
import type { SocketReplays } from '../replay/socket-replays.ts';
import type { ClientSocket } from '../sockets/attachments.ts';
import { readRejectReason } from './authorization.ts';
import { invalidParamsResponse, notAllowedResponse } from './dispatch.ts';

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
  readonly replays: SocketReplays;
  /** The last number that the site has taken. */
  readonly lastSeq: number;
  readonly isLinkUp: () => boolean;
  /** Writes pending changes, so that the log contains all of them. */
  readonly flush: () => void;
  readonly now: number;
}

/** Answers a query. Some methods need a socket (see `SOCKET_ONLY_METHODS`). */
export function answerQuery(
  request: RpcRequest & { readonly method: QueryMethod },
  socket: WebSocket | undefined,
  client: ClientSocket,
  context: QueryContext,
): RpcResponse {
  const { id = null, method, params = {} } = request;
  // A client that may run a command may read its own commands without the scope `read`.
  const rejected = method === 'CommandGet' ? undefined : readRejectReason(client);
  if (rejected !== undefined) return notAllowedResponse(id, rejected);
  const checked = validate(queryParams[method], params, 'params');
  if (!checked.success) return invalidParamsResponse(id, checked.error);
  // What a client is shown must not be forgotten, nor its numbers be used again.
  if (method !== 'CommandGet' && method !== 'CallUnwatch') context.calls.requestWriteOfAll();
  switch (method) {
    case 'CallList': {
      const listed = list(checked.data as QueryParams<'CallList'>, client, context);
      return typeof listed === 'string' ? invalidParamsResponse(id, listed) : successResponse(id, listed);
    }
    case 'CallGet': {
      const { callid } = checked.data as QueryParams<'CallGet'>;
      const record = visibleRecord(context.calls.get(callid), client);
      if (record) return successResponse(id, { call: record.call, timeline: record.timeline });
      const data =
        'callid: no call with this Call-ID is known. It does not exist, or is no longer stored. List the calls with CallList.';
      return errorResponse(id, { code: errorCode.gone, message: 'Gone', data });
    }
    case 'CallWatch': {
      const watched = watch(checked.data as QueryParams<'CallWatch'>, requireSocket(socket), client, context);
      return typeof watched === 'string' ? invalidParamsResponse(id, watched) : successResponse(id, watched);
    }
    case 'CallUnwatch': {
      const { callid } = checked.data as QueryParams<'CallUnwatch'>;
      context.watchers.unwatch(requireSocket(socket), client, callid);
      context.calls.setWatched(context.watchers.any, context.now);
      return successResponse(id, {});
    }
    case 'CommandGet': {
      const { cmd_id } = checked.data as QueryParams<'CommandGet'>;
      const command = context.findCommand(client.subject, cmd_id);
      if (command) return successResponse(id, toCommandView(command));
      const data =
        'cmd_id: no command of yours with this cmd_id is known. It was never sent, or is no longer stored.';
      return errorResponse(id, { code: errorCode.gone, message: 'Gone', data });
    }
  }
}

/** The server rejects these methods before, if there is no socket. */
function requireSocket(socket: WebSocket | undefined): WebSocket {
  if (!socket) throw new Error('This query needs a socket');
  return socket;
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
  return calls.list(filter, params.limit, params.cursor);
}

/**
 * Returns a snapshot of the calls; with `since`, the changes after it follow from the log instead. Every change after it is sent, so
 * nothing is missed in between.
 */
function watch(
  { callid, since }: QueryParams<'CallWatch'>,
  socket: WebSocket,
  client: ClientSocket,
  { calls, watchers, replays, isLinkUp, flush, now }: QueryContext,
): object | string {
  const exceeded = watchers.exceededLimit(client, callid);
  if (exceeded)
    return `callid: this socket ${WATCH_LIMITS[exceeded]}. Stop watching one with CallUnwatch, or watch all calls.`;
  // With all changes written, the number of the snapshot covers everything before it.
  flush();
  const link = isLinkUp() ? 'Up' : 'Down';
  const isResumed = since !== undefined && replays.canResumeWatch(since);
  if (isResumed) replays.resumeWatch(socket, client, callid, since, now);
  const seq = isResumed ? since : calls.takeSeq();
  if (!isResumed) replays.onWatched(socket, callid, seq);
  watchers.watch(socket, client, callid, seq);
  calls.setWatched(true, now);
  if (isResumed) return { calls: [], seq, link };
  const reset = since === undefined ? {} : { reset: true };
  if (callid === undefined) return { ...activeCalls(client, calls), seq, link, ...reset };
  const record = visibleRecord(calls.get(callid), client);
  return { calls: record ? [record.call] : [], seq, link, ...reset };
}

/** Returns the active calls that a client may see, or as many as a page has room for. */
export function activeCalls(client: ClientSocket, calls: Calls): CallPage {
  return calls.list({ states: ACTIVE_STATES, owner: ownerFilter(client) }, Number.POSITIVE_INFINITY);
}

/** A client that is bound to an address sees only its own calls. */
function ownerFilter({ caller, subject }: ClientSocket): string | undefined {
  return caller === undefined ? undefined : subject;
}

function visibleRecord(record: CallRecord | undefined, client: ClientSocket): CallRecord | undefined {
  const owner = ownerFilter(client);
  return owner === undefined || record?.owner === owner ? record : undefined;
}
