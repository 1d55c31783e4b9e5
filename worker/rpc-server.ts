/**
 * The JSON-RPC server of a site: reads what a client sends, has it run, and gives what is to be answered. It sends
 * nothing: what it gives leaves once the turn is stored.
 * @module
 */
import {
  code,
  failure,
  issues,
  type Parsed,
  parseMessage,
  type RpcRequest,
  type RpcResponse,
  success,
} from '../shared/jsonrpc.ts';
import { AuthorizeParams, DISCOVER, isQuery, type Method, type Query } from '../shared/methods.ts';
import type { Command } from '../shared/runner.ts';
import { attachmentOf, type ClientSocket } from './attachments.ts';
import { isAuthorize, NOT_TAKEN, renewed } from './authorize.ts';
import { answer } from './calls/questions.ts';
import { dispatch, invalid, notAllowed } from './dispatch.ts';
import type { Claims } from './door/tokens.ts';
import { tooMany } from './limits.ts';
import type { Parts } from './parts.ts';
import { discovered } from './reference/routes.ts';

/** Responses to one message of a client. */
export interface Answer {
  readonly socket: WebSocket;
  readonly responses: readonly RpcResponse[];
  readonly batch: boolean;
  /** What is told to that socket behind them. */
  readonly after: readonly string[];
}

/** A message that is to be run; or its answer, where it is refused as a whole; or one too many of those. */
export type Reading =
  | { readonly is: 'read'; readonly asked: Parsed }
  | { readonly is: 'answered'; readonly answer: Answer }
  | { readonly is: 'flood' };

/** Claims of the tokens in a message, by the request that brings each; none for one that does not hold. */
export type Verified = ReadonlyMap<RpcRequest, Claims | undefined>;

export class RpcServer {
  readonly #parts: Parts;
  readonly #isHere: (claims: Claims) => boolean;

  /** @param isHere whether a token is for this site */
  constructor(parts: Parts, isHere: (claims: Claims) => boolean) {
    this.#parts = parts;
    this.#isHere = isHere;
  }

  /** Reads a message, and counts it against its sender's limits. */
  read(socket: WebSocket, { subject }: ClientSocket, message: string | ArrayBuffer, now: number): Reading {
    const { governance, limiter, floods } = this.#parts;
    const { limits } = governance.policy;
    const refusal = unreadable(message, limits.message_bytes);
    const asked: Parsed =
      refusal === undefined
        ? parseMessage(message as string)
        : { batch: false, entries: [{ refusal: unread(refusal) }] };
    const excess = limiter.message(socket, asked.entries.length, limits, now);
    if (!excess) return { is: 'read', asked };
    if (floods.refused(socket, subject, asked.entries.length, limits.messages_per_second, now))
      return { is: 'flood' };
    const responses = asked.entries.flatMap((entry) => {
      if ('refusal' in entry) return [entry.refusal];
      return entry.id === undefined ? [] : [tooMany(entry.id, excess)];
    });
    return { is: 'answered', answer: { socket, responses, batch: asked.batch, after: [] } };
  }

  /** Runs a message: the commands in it by what the tokens in it say. */
  run(
    socket: WebSocket,
    client: ClientSocket,
    { entries, batch }: Parsed,
    now: number,
    verified: Verified = new Map(),
  ): Answer {
    const after: string[] = [];
    const around = this.#around(client, now);
    let asking = client;
    const responses = entries.map((entry) => {
      if ('refusal' in entry) return entry.refusal;
      if (isQuestion(entry)) {
        const answered = this.#question(entry, socket, now);
        after.push(...answered.after);
        return entry.id === undefined ? undefined : answered.response;
      }
      if (entry.method === DISCOVER)
        return entry.id === undefined ? undefined : success(entry.id, discovered());
      if (!isAuthorize(entry)) return dispatch(entry, asking, around);
      const { id = null } = entry;
      const fresh = this.#renew(socket, asking, verified.get(entry), now);
      if (fresh) asking = fresh;
      if (entry.id === undefined) return undefined;
      if (fresh) return success(id, { expires: new Date(fresh.expires ?? 0).toISOString() });
      const params = AuthorizeParams.safeParse(entry.params);
      return params.success ? notAllowed(id, NOT_TAKEN) : invalid(id, issues(params.error));
    });
    return { socket, responses: responses.filter((response) => response !== undefined), batch, after };
  }

  #around(client: ClientSocket, now: number): Parameters<typeof dispatch>[2] {
    const { runner, store, calls, limiter, link, governance } = this.#parts;
    const { limits, rules } = governance.policy;
    return {
      runner,
      ended: (subject, cmdId) => store.ended(subject, cmdId),
      opensips: link.opensips(now),
      rules,
      ownerOf: (callid) => calls.ownerOf(callid),
      metadataOf: (callid) => calls.get(callid)?.call.metadata,
      begun: (command: Command) => calls.begun(command, now),
      excess: (method: Method) => {
        const inFlight = runner.inFlight(client.subject, client.session);
        return limiter.command(method, { inFlight, standing: calls.size + runner.starts }, limits, now);
      },
      now,
    };
  }

  /** Answers what is asked of the calls. Whoever asks looks: OpenSIPS is asked as well. */
  #question(request: RpcRequest & { readonly method: Query }, socket: WebSocket, now: number) {
    const { runner, store, calls, watchers, rounds, link } = this.#parts;
    // A command earlier in the same batch may have changed it.
    const client = attachmentOf(socket) as ClientSocket;
    const before = watchers.any;
    const answered = answer(request, socket, client, {
      calls,
      watchers,
      command: (subject, cmdId) => runner.find(subject, cmdId) ?? store.ended(subject, cmdId),
      last: runner.last,
      linked: link.opensips(now) !== undefined,
      write: () => void calls.write(runner.floor(runner.last), now),
      now,
    });
    if ('result' in answered.response && looks(request.method)) rounds.looked(before, now);
    return answered;
  }

  /** The socket as its fresh token makes it; undefined where that is not taken, and then it stays as it was. */
  #renew(
    socket: WebSocket,
    client: ClientSocket,
    claims: Claims | undefined,
    now: number,
  ): ClientSocket | undefined {
    const { sessions, governance } = this.#parts;
    if (!claims || governance.isRevoked(claims.key)) return undefined;
    const fresh = this.#isHere(claims) ? renewed(client, claims, now) : undefined;
    if (fresh) sessions.renew(socket, fresh);
    return fresh;
  }
}

/** Is it asked of the calls? */
function isQuestion(entry: RpcRequest): entry is RpcRequest & { readonly method: Query } {
  return isQuery(entry.method);
}

/** Does one who asks this look at calls? */
function looks(method: Query): boolean {
  return method !== 'CallUnwatch' && method !== 'CommandGet';
}

/** Why a message is not read at all. */
function unreadable(message: string | ArrayBuffer, most: number): string | undefined {
  if (typeof message !== 'string') return 'binary frames are not taken; send JSON as text';
  // A UTF-16 unit takes up to three bytes, so only what may be too long is measured.
  const long = message.length > most / 3 && new TextEncoder().encode(message).length > most;
  return long ? `the message is longer than ${most} bytes` : undefined;
}

function unread(data: string): RpcResponse {
  return failure(null, { code: code.invalidRequest, message: 'Invalid Request', data });
}
