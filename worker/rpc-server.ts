/**
 * The JSON-RPC server of a site: reads what a client sends, over a socket or without one, has it run, and gives what
 * is to be answered. It sends nothing: what it gives leaves once the turn is stored.
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
import {
  AuthorizeParams,
  DISCOVER,
  isQuery,
  type Method,
  OF_SOCKETS,
  type Query,
} from '../shared/methods.ts';
import type { Command } from '../shared/stored-command.ts';
import { attachmentOf, type ClientSocket } from './attachments.ts';
import { isAuthorize, NOT_TAKEN, renewed } from './authorize.ts';
import { answer, type Board } from './calls/questions.ts';
import { opening } from './calls/stream.ts';
import { isDiagnose } from './diagnosis.ts';
import { dispatch, invalid, notAllowed } from './dispatch.ts';
import type { Claims } from './door/tokens.ts';
import { type Excess, type Sender, tooMany } from './limits.ts';
import type { Parts } from './parts.ts';
import { discovered } from './reference/routes.ts';

/** Responses to one message of a client. */
export interface Answer {
  readonly responses: readonly RpcResponse[];
  readonly batch: boolean;
  /** What is told to its socket behind them. */
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

  /** Reads a frame, and counts it against its sender's limits. */
  read(socket: WebSocket, { subject }: ClientSocket, message: string | ArrayBuffer, now: number): Reading {
    const { message_bytes } = this.#parts.governance.policy.limits;
    const refusal = unreadable(message, message_bytes);
    const asked: Parsed =
      refusal === undefined
        ? parseMessage(message as string)
        : { batch: false, entries: [{ refusal: unread(refusal) }] };
    return this.count(socket, subject, asked, now);
  }

  /** Counts what was read against its sender's limits. */
  count(sender: Sender, subject: string, asked: Parsed, now: number): Reading {
    const excess = this.excess(sender, subject, asked.entries.length, now);
    if (!excess) return { is: 'read', asked };
    if (excess === 'flood') return { is: 'flood' };
    const responses = asked.entries.flatMap((entry) => {
      if ('refusal' in entry) return [entry.refusal];
      return entry.id === undefined ? [] : [tooMany(entry.id, excess)];
    });
    return { is: 'answered', answer: { responses, batch: asked.batch, after: [] } };
  }

  /** Counts so many requests. What there is too much of, if anything; or they are a flood. */
  excess(sender: Sender, subject: string, requests: number, now: number): Excess | 'flood' | undefined {
    const { governance, limiter, floods } = this.#parts;
    const { limits } = governance.policy;
    const excess = limiter.message(sender, requests, limits, now);
    if (excess && floods.refused(sender, subject, requests, limits.messages_per_second, now)) return 'flood';
    return excess;
  }

  /**
   * Runs a message: the commands in it by what the tokens in it say.
   * @param socket that it came over; without one, what would stay with it is refused
   */
  run(
    socket: WebSocket | undefined,
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
      if (socket === undefined && OF_SOCKETS.includes(entry.method)) return withoutSocket(entry);
      if (isQuestion(entry)) {
        const answered = this.#question(entry, socket, asking, now);
        after.push(...answered.after);
        return entry.id === undefined ? undefined : answered.response;
      }
      if (entry.method === DISCOVER)
        return entry.id === undefined ? undefined : success(entry.id, discovered());
      if (isDiagnose(entry) && socket) {
        if (entry.id !== undefined) this.#parts.diagnosis.begin(entry, socket, asking, now);
        return undefined;
      }
      if (!isAuthorize(entry) || socket === undefined) return dispatch(entry, asking, around);
      const { id = null } = entry;
      const fresh = this.#renew(socket, asking, verified.get(entry), now);
      if (fresh) asking = fresh;
      if (entry.id === undefined) return undefined;
      if (fresh) return success(id, { expires: new Date(fresh.expires ?? 0).toISOString() });
      const params = AuthorizeParams.safeParse(entry.params);
      return params.success ? notAllowed(id, NOT_TAKEN) : invalid(id, issues(params.error));
    });
    return { responses: responses.filter((response) => response !== undefined), batch, after };
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
      standing: (callid) => calls.dialogOf(callid),
      begun: (command: Command) => calls.begun(command, now),
      excess: (method: Method) => {
        const inFlight = runner.inFlight(client.subject, client.session);
        return limiter.command(method, { inFlight, standing: calls.size + runner.starts }, limits, now);
      },
      now,
    };
  }

  /** Answers what is asked of the calls. Whoever asks looks: OpenSIPS is asked as well. */
  #question(
    request: RpcRequest & { readonly method: Query },
    socket: WebSocket | undefined,
    asking: ClientSocket,
    now: number,
  ) {
    const { watchers, rounds } = this.#parts;
    // A command earlier in the same batch may have changed it.
    const client = socket ? (attachmentOf(socket) as ClientSocket) : asking;
    const before = watchers.any;
    const answered = answer(request, socket, client, this.#board(now));
    if ('result' in answered.response && looks(request.method)) rounds.looked(before, now);
    return answered;
  }

  /** What an HTTP stream is told first, whose socket this is: from then on it is told all that happens. */
  open(socket: WebSocket, client: ClientSocket, since: number | undefined, now: number): readonly string[] {
    const { watchers, rounds } = this.#parts;
    const before = watchers.any;
    const texts = opening(socket, client, since, this.#board(now));
    rounds.looked(before, now);
    return texts;
  }

  #board(now: number): Board {
    const { runner, store, calls, watchers, link } = this.#parts;
    return {
      calls,
      watchers,
      command: (subject, cmdId) => runner.find(subject, cmdId) ?? store.ended(subject, cmdId),
      told: (subject, since) => store.told(subject, undefined, since),
      last: runner.last,
      linked: link.opensips(now) !== undefined,
      write: () => void calls.write(runner.floor(runner.last), now),
      now,
    };
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

/** Answers what only a socket could be answered. */
function withoutSocket({ id, method }: RpcRequest): RpcResponse | undefined {
  if (id === undefined) return undefined;
  const data = `${method} is for a WebSocket, with which it stays; over HTTP, GET /v1/events tells what happens`;
  return failure(id, { code: code.methodNotFound, message: 'Method not found', data });
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
