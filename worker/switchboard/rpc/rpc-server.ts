/**
 * The JSON-RPC server of a site: parses the messages of clients, runs them and returns the responses. It sends nothing
 * itself: the responses leave once the turn is stored.
 * @module
 */
import { byteLength } from '../../../shared/protocol/byte-length.ts';
import type { CallCommand } from '../../../shared/protocol/rpc/commands.ts';
import {
  errorCode,
  errorResponse,
  type ParsedMessage,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  successResponse,
} from '../../../shared/protocol/rpc/jsonrpc.ts';
import { isQueryMethod, type QueryMethod } from '../../../shared/protocol/rpc/queries.ts';
import {
  ACKNOWLEDGE,
  AcknowledgeParams,
  AuthorizeParams,
  DISCOVER,
  SOCKET_ONLY_METHODS,
} from '../../../shared/protocol/rpc/service-methods.ts';
import { validate } from '../../../shared/protocol/validation/validate.ts';
import type { Runner } from '../../../shared/runner/runner.ts';
import type { Claims } from '../../auth/tokens.ts';
import { openRpcDocument } from '../../reference/routes.ts';
import type { Calls } from '../calls/calls.ts';
import type { Watchers } from '../calls/watchers.ts';
import type { Dialing } from '../dialing/dialing.ts';
import type { Link } from '../link/link.ts';
import type { ReconcileSchedule } from '../link/reconcile-schedule.ts';
import type { SocketReplays } from '../replay/socket-replays.ts';
import { attachmentOf, type ClientSocket } from '../sockets/attachments.ts';
import type { ClientOutput } from '../sockets/client-output.ts';
import type { Sessions } from '../sockets/sessions.ts';
import type { CommandLog } from '../store/command-log.ts';
import type { PolicyStore } from '../store/policy-store.ts';
import type { Charges } from './charges.ts';
import { adapterFor } from './command-adapter.ts';
import { type Diagnosis, isDiagnose } from './diagnosis.ts';
import { type DispatchContext, dispatch, invalidParamsResponse, notAllowedResponse } from './dispatch.ts';
import { answerEcho, isEcho } from './echo.ts';
import { openEventStream } from './event-stream.ts';
import type { FloodGuard, RejectedMessage } from './flood-guard.ts';
import { type LimitExceeded, type Limiter, tooManyResponse } from './limits.ts';
import { answerQuery, type QueryContext } from './queries.ts';
import { readFrame } from './read-frame.ts';
import { isAuthorize, renewAttachment, TOKEN_REJECTED } from './token-renewal.ts';
import { REPLY_TOO_LONG, unread } from './unread-limits.ts';

/** The components of the Switchboard that the server uses. */
export interface RpcDependencies {
  readonly commandLog: CommandLog;
  readonly policies: PolicyStore;
  readonly calls: Calls;
  readonly runner: Runner;
  readonly diagnosis: Diagnosis;
  readonly reconcileSchedule: ReconcileSchedule;
  readonly watchers: Watchers;
  readonly sessions: Sessions;
  readonly link: Link;
  readonly dialing: Dialing;
  readonly charges: Charges;
  readonly limiter: Limiter;
  readonly floodGuard: FloodGuard;
  readonly output: ClientOutput;
}

interface ServerDependencies extends RpcDependencies {
  readonly replays: SocketReplays;
}

/** The reply to a message. */
export interface RpcReply {
  /** As JSON: what a query returns has been converted to be charged. */
  readonly responses: readonly string[];
  readonly batch: boolean;
  /** What follows the responses on the same socket. */
  readonly notifications?: readonly string[];
}

/** A message to run, or its reply if it is rejected as a whole, or a flood. */
export type ReadResult =
  | { readonly outcome: 'read'; readonly message: ParsedMessage }
  | { readonly outcome: 'answered'; readonly reply: RpcReply }
  | { readonly outcome: 'flood' };

/** The claims of the tokens in a message, by their requests; undefined for an invalid token. */
export type VerifiedTokens = ReadonlyMap<RpcRequest, Claims | undefined>;

export class RpcServer {
  readonly #deps: ServerDependencies;
  readonly #isOwnSite: (claims: Claims) => boolean;

  /** @param isOwnSite returns whether a token is for this site */
  constructor(dependencies: ServerDependencies, isOwnSite: (claims: Claims) => boolean) {
    this.#deps = dependencies;
    this.#isOwnSite = isOwnSite;
  }

  /** Parses a frame, and charges its subject for it. */
  read({ subject }: ClientSocket, frame: string | ArrayBuffer, now: number): ReadResult {
    const message = readFrame(frame, this.#deps.policies.policy.limits.message_bytes);
    return this.count(subject, message, typeof frame === 'string' ? frame.length : frame.byteLength, now);
  }

  /** Charges a subject for a parsed message. */
  count(subject: string, message: ParsedMessage, characters: number, now: number): ReadResult {
    const exceeded = this.countRequests(subject, { requests: message.entries.length, characters }, now);
    if (!exceeded) return { outcome: 'read', message };
    if (exceeded === 'flood') return { outcome: 'flood' };
    const responses = message.entries.flatMap((entry) => {
      if ('errorResponse' in entry) return [JSON.stringify(entry.errorResponse)];
      return entry.id === undefined ? [] : [JSON.stringify(tooManyResponse(entry.id, exceeded))];
    });
    return { outcome: 'answered', reply: { responses, batch: message.isBatch } };
  }

  /** Charges a subject for requests. Returns the limit that they exceed, or that they are a flood: then its sockets are closed. */
  countRequests(subject: string, message: RejectedMessage, now: number): LimitExceeded | 'flood' | undefined {
    const { policies, charges, floodGuard, sessions } = this.#deps;
    const exceeded = charges.requests(subject, message.requests, now);
    if (!exceeded || !floodGuard.onRejected(subject, message, policies.policy.limits, now)) return exceeded;
    sessions.closeForFlood(subject);
    return 'flood';
  }

  /**
   * Runs the requests of a message in order. A new token applies to the requests after it.
   * @param socket the sender's socket; without one, methods that need a socket are rejected
   */
  run(
    socket: WebSocket | undefined,
    client: ClientSocket,
    { entries, isBatch }: ParsedMessage,
    now: number,
    verified: VerifiedTokens = new Map(),
  ): RpcReply {
    const context = this.#dispatchContext(client, now);
    let replyBytes = 0;
    const notifications: string[] = [];
    let sender = client;
    const responses = entries.map((entry) => {
      if ('errorResponse' in entry) return entry.errorResponse;
      if (socket === undefined && SOCKET_ONLY_METHODS.includes(entry.method)) return socketRequired(entry);
      if (isQueryRequest(entry)) {
        if (replyBytes > MAX_REPLY_BYTES)
          return entry.id === undefined ? undefined : tooManyResponse(entry.id, REPLY_TOO_LONG);
        const response = this.#query(entry, socket, sender, now);
        replyBytes += byteLength(response);
        return entry.id === undefined ? undefined : response;
      }
      if (isEcho(entry)) {
        const response = this.#echo(entry, socket, sender, notifications, now);
        return entry.id === undefined ? undefined : response;
      }
      if (entry.method === ACKNOWLEDGE && socket) return this.#acknowledge(socket, entry, now);
      if (entry.method === DISCOVER)
        return entry.id === undefined ? undefined : this.#describe(entry.id, sender, now);
      if (isDiagnose(entry) && socket) {
        if (entry.id !== undefined) this.#deps.diagnosis.begin(entry, socket, sender, now);
        return undefined;
      }
      if (!isAuthorize(entry) || socket === undefined) return dispatch(entry, sender, context);
      const { id = null } = entry;
      const renewed = this.#renewToken(socket, sender, verified.get(entry), now);
      if (renewed) sender = renewed;
      if (entry.id === undefined) return undefined;
      if (renewed) return successResponse(id, { expires: new Date(renewed.expires ?? 0).toISOString() });
      const params = validate(AuthorizeParams, entry.params, 'params');
      return params.success
        ? notAllowedResponse(id, TOKEN_REJECTED)
        : invalidParamsResponse(id, params.error);
    });
    const texts = responses.flatMap((response) => {
      if (response === undefined) return [];
      return [typeof response === 'string' ? response : JSON.stringify(response)];
    });
    return { responses: texts, batch: isBatch, notifications };
  }

  /** Makes the socket of an HTTP event stream a watcher. Returns the first frame of a stream that does not resume. */
  openEventStream(
    socket: WebSocket,
    client: ClientSocket,
    since: number | undefined,
    now: number,
  ): string | undefined {
    const { watchers, reconcileSchedule } = this.#deps;
    const wasWatched = watchers.any;
    const frame = openEventStream(socket, client, since, this.#queryContext(now));
    if (frame !== undefined) this.#charge(client, frame, now);
    reconcileSchedule.onCallsRead(wasWatched, now);
    return frame;
  }

  /** A client has returned a token, which shows what it has read. */
  #acknowledge(socket: WebSocket, { id, params = {} }: RpcRequest, now: number): RpcResponse | undefined {
    const checked = validate(AcknowledgeParams, params, 'params');
    const isValid = checked.success && this.#deps.replays.acknowledge(socket, checked.data.token, now);
    if (id === undefined) return undefined;
    if (!checked.success) return invalidParamsResponse(id, checked.error);
    return isValid ? successResponse(id, {}) : invalidParamsResponse(id, UNKNOWN_TOKEN);
  }

  /** Answers a query, as JSON. A client that reads calls makes OpenSIPS be asked as well. */
  #query(
    request: RpcRequest & { readonly method: QueryMethod },
    socket: WebSocket | undefined,
    sender: ClientSocket,
    now: number,
  ): string {
    const { watchers, reconcileSchedule } = this.#deps;
    const isRead = request.method !== 'CallUnwatch';
    const exceeded = isRead ? this.#readExceeded(socket, sender, now) : undefined;
    if (exceeded) return JSON.stringify(tooManyResponse(request.id ?? null, exceeded));
    // An earlier request of the same batch may have changed the attachment.
    const client = socket ? (attachmentOf(socket) as ClientSocket) : sender;
    const wasWatched = watchers.any;
    const response = answerQuery(request, socket, client, this.#queryContext(now));
    const text = JSON.stringify(response);
    if (isRead) this.#charge(sender, text, now);
    if ('result' in response && readsCalls(request.method)) reconcileSchedule.onCallsRead(wasWatched, now);
    return text;
  }

  /** Answers an Echo. What it returns counts as read, and follows the responses to the message: over HTTP, nothing does. */
  #echo(
    request: RpcRequest,
    socket: WebSocket | undefined,
    sender: ClientSocket,
    notifications: string[],
    now: number,
  ): RpcResponse {
    const exceeded = this.#readExceeded(socket, sender, now);
    if (exceeded) return tooManyResponse(request.id ?? null, exceeded);
    const answer = answerEcho(request, now);
    for (const text of socket ? answer.notifications : []) {
      this.#charge(sender, text, now);
      notifications.push(text);
    }
    return answer.response;
  }

  /** Returns the limit that a client has exceeded that asks for something to read. */
  #readExceeded(
    socket: WebSocket | undefined,
    { subject }: ClientSocket,
    now: number,
  ): LimitExceeded | undefined {
    const { charges, output } = this.#deps;
    const secondsBehind = socket ? output.secondsBehind(socket, now) : 0;
    return secondsBehind > 0 ? unread(secondsBehind) : charges.replay(subject, 0, now);
  }

  /** Answers `rpc.discover`, as JSON, whose result is a thousand times as long as the request. */
  #describe(id: RpcId, { subject }: ClientSocket, now: number): string {
    const { charges } = this.#deps;
    const response = JSON.stringify(successResponse(id, openRpcDocument()));
    const exceeded = charges.replay(subject, byteLength(response), now);
    return exceeded ? JSON.stringify(tooManyResponse(id, exceeded)) : response;
  }

  /** Charges a subject for what it is sent. */
  #charge({ subject }: ClientSocket, text: string, now: number): void {
    this.#deps.charges.replay(subject, byteLength(text), now);
  }

  #dispatchContext(client: ClientSocket, now: number): DispatchContext {
    const { runner, commandLog, calls, limiter, policies, charges, dialing } = this.#deps;
    const { limits, rules } = policies.policy;
    return {
      runner,
      findEnded: (subject, cmdId) => commandLog.findEnded(subject, cmdId),
      chooseAdapter: (params) =>
        adapterFor(params, client.subject, this.#deps, dialing.unreachableReason, now),
      rules,
      ownerOf: (callid) => calls.ownerOf(callid),
      metadataOf: (callid) => calls.get(callid)?.call.metadata,
      dialogState: (callid) => calls.dialogOf(callid),
      isKnown: (callid) => calls.isKnown(callid),
      heldLegs: (callid) => calls.heldLegs(callid),
      onStarted: (command) => calls.onCommandStarted(command, now),
      chargeRepeat: (bytes, isHandedOver) =>
        charges.replay(client.subject, bytes, now) ??
        (isHandedOver ? charges.write(client.subject, bytes, now) : undefined),
      countCommand: (method: CallCommand, bytes: number) => {
        const inFlight = runner.inFlight(client.subject, client.session);
        const activeCalls = calls.countedSize + runner.commands.startsInProgress;
        const isStorageFull = commandLog.segments.isFull;
        return (
          limiter.countCommand(method, { inFlight, activeCalls, isStorageFull }, limits, now) ??
          charges.write(client.subject, bytes, now)
        );
      },
      now,
    };
  }

  #queryContext(now: number): QueryContext {
    const { runner, commandLog, calls, watchers, replays, link, dialing } = this.#deps;
    return {
      calls,
      watchers,
      replays,
      findCommand: (subject, cmdId) => runner.find(subject, cmdId) ?? commandLog.findEnded(subject, cmdId),
      lastSeq: runner.lastSeq,
      // A link that nobody needs is opened when somebody does.
      isLinkUp: () => link.opensips(Date.now()) !== undefined || dialing.isReleased,
      flush: () => void calls.write(runner.restoreFrom(runner.lastSeq), now),
      now,
    };
  }

  /** Applies a new token. Returns the new attachment; undefined if the token is rejected, and the socket stays as it is. */
  #renewToken(
    socket: WebSocket,
    client: ClientSocket,
    claims: Claims | undefined,
    now: number,
  ): ClientSocket | undefined {
    const { sessions, policies } = this.#deps;
    if (!claims || policies.isRevoked(claims.key)) return undefined;
    const renewed = this.#isOwnSite(claims) ? renewAttachment(client, claims, now) : undefined;
    if (renewed) sessions.renewToken(socket, renewed);
    return renewed;
  }
}

/** Bytes in the responses to a batch from which on its further queries are refused: one page more may follow. */
const MAX_REPLY_BYTES = 131_072;

const UNKNOWN_TOKEN =
  'token: this socket was sent no notification Acknowledge with this token, or has returned it already. Return each token once.';

function isQueryRequest(entry: RpcRequest): entry is RpcRequest & { readonly method: QueryMethod } {
  return isQueryMethod(entry.method);
}

/** Answers a request over HTTP for a method that needs a socket. */
function socketRequired({ id, method }: RpcRequest): RpcResponse | undefined {
  if (id === undefined) return undefined;
  const data = `${method} needs a WebSocket. Connect to /call-api. To follow commands and calls over HTTP, use GET /v1/events.`;
  return errorResponse(id, { code: errorCode.methodNotFound, message: 'Method not found', data });
}

function readsCalls(method: QueryMethod): boolean {
  return method !== 'CallUnwatch' && method !== 'CommandGet';
}
