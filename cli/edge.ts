/** The way through the edge: its WebSocket, and its HTTP routes for what is asked beside it. @module */
import { text } from 'node:stream/consumers';
import WebSocket from 'ws';
import {
  type CallApi,
  CallApiError,
  type Command,
  type ConnectionState,
  connect,
  type Method,
  type Params,
} from '../client/index.ts';
import type { RpcError } from '../shared/jsonrpc.ts';
import { adviceFor, EXIT, exitOf, Failure } from './exit.ts';
import type { Line, News, Notice } from './line.ts';
import { type Edge, reasonOf, type Settings } from './settings.ts';

/** Why an upgrade was refused, as far as anybody said. */
export type Refusal =
  | { readonly is: 'answer'; readonly status: number; readonly detail: string }
  | { readonly is: 'silence'; readonly reason: string };

/**
 * The WebSockets of a client. Node 20 has none of its own, and the one of Node 24 does not say why it was refused.
 * @param refused is told before it closes
 */
function socketsThatSay(timeoutMs: number, refused: (refusal: Refusal) => void) {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { handshakeTimeout: timeoutMs });
      this.on('error', (error) => refused({ is: 'silence', reason: reasonOf(error) }));
      this.on('unexpected-response', (_, response) => {
        text(response).then(
          (body) => {
            // Ending the handshake is an error as well, which says less.
            this.removeAllListeners('error').on('error', () => {});
            refused({ is: 'answer', status: response.statusCode ?? 0, detail: detailIn(body) });
            this.terminate();
          },
          () => this.terminate(),
        );
      });
    }
  };
}

/** The subprotocols by which a token travels: docs/protocol.md. */
function protocolsFor(token: string | undefined): readonly string[] {
  return token === undefined ? [] : ['call-api.v1', `call-api.token.${token}`];
}

function detailIn(body: string): string {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null && 'detail' in json ? String(json.detail) : '';
  } catch {
    return '';
  }
}

/** What a refusal means to whoever ran the command. */
export function failureOf(refusal: Refusal, edge: Edge, token: string | undefined): Failure {
  const what = token === undefined ? 'set CALL_API_TOKEN or give --token-file' : 'call-api doctor tells more';
  if (refusal.is === 'silence')
    return new Failure(
      EXIT.unreachable,
      `no edge is reached at ${edge.origin} (${refusal.reason}): check --url or CALL_API; npm start runs one on this machine`,
    );
  const { status, detail } = refusal;
  const said = detail === '' ? '' : `: ${detail}`;
  if (status === 400) return new Failure(EXIT.usage, `the edge does not take it (400)${said}; see --site`);
  if (status === 401 || status === 403)
    return new Failure(EXIT.notAllowed, `the edge does not let this in (${status})${said}; ${what}`);
  if (status === 429 || status === 503)
    return new Failure(EXIT.unreachable, `the edge has no room (${status})${said}; try again in a while`);
  return new Failure(
    EXIT.unreachable,
    `what answers at ${edge.origin} is no edge (${status}): check --url or CALL_API`,
  );
}

/** Asks one of the edge's HTTP routes; rejects with a {@link Failure} where nothing answers. */
export async function askRoute(
  { edge, token, timeoutMs }: Pick<Settings, 'edge' | 'token' | 'timeoutMs'>,
  path: string,
  body?: object,
): Promise<{
  readonly status: number;
  readonly body: unknown;
  readonly date: string | null;
  readonly ms: number;
}> {
  const site = edge.site === undefined || body ? '' : `?site=${encodeURIComponent(edge.site)}`;
  const begun = performance.now();
  try {
    const response = await fetch(`${edge.origin}${path}${site}`, {
      method: body ? 'POST' : 'GET',
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body ? { 'Content-Type': 'application/json' } : {}),
      },
      // The token is for this edge.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const json: unknown = await response.json().catch(() => undefined);
    return {
      status: response.status,
      body: json,
      date: response.headers.get('Date'),
      ms: performance.now() - begun,
    };
  } catch (error) {
    throw failureOf({ is: 'silence', reason: reasonOf(error) }, edge, token);
  }
}

/** One socket, as it is; rejects with a {@link Failure} where it does not open. */
export function dial({
  edge,
  token,
  timeoutMs,
}: Pick<Settings, 'edge' | 'token' | 'timeoutMs'>): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const Socket = socketsThatSay(timeoutMs, (refusal) => reject(failureOf(refusal, edge, token)));
    const socket = new Socket(edge.socket, [...protocolsFor(token)]);
    socket.on('open', () => resolve(socket));
  });
}

/** One request on a socket of its own; rejects with a {@link Failure} where none opens or nothing comes. */
export async function askOnce(
  settings: Pick<Settings, 'edge' | 'token' | 'timeoutMs'>,
  method: string,
  params: object,
): Promise<{ readonly result?: unknown; readonly error?: RpcError }> {
  const socket = await dial(settings);
  const { timeoutMs } = settings;
  try {
    return await new Promise((resolve, reject) => {
      const late = new Failure(
        EXIT.unreachable,
        `the edge has not answered ${method} within ${timeoutMs / 1_000} s: try again`,
      );
      setTimeout(() => reject(late), timeoutMs).unref();
      socket.on('message', (data) => resolve(JSON.parse(data.toString()) as { readonly result?: unknown }));
      socket.on('close', () => reject(late));
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: method, method, params }));
    });
  } finally {
    socket.close();
  }
}

/** Connects; what fails before the first socket is open breaks the line, what is lost later comes back by itself. */
export function openEdge(
  { edge, token, timeoutMs }: Pick<Settings, 'edge' | 'token' | 'timeoutMs'>,
  say: (sentence: string) => void,
): Line {
  let refusal: Refusal = { is: 'silence', reason: `no answer within ${timeoutMs / 1_000} s` };
  let wasOpen = false;
  let isLost = false;
  const { promise: broken, reject } = withResolvers();
  const breakWith = (failure: Failure) => {
    clearTimeout(late);
    reject(failure);
    api.close();
  };
  const late = setTimeout(() => breakWith(failureOf(refusal, edge, token)), timeoutMs);
  const stands = (state: ConnectionState) => {
    if (state.is === 'open') {
      clearTimeout(late);
      if (isLost) say('connected again');
      isLost = false;
      wasOpen = true;
    } else if (state.is === 'waiting' && !wasOpen) {
      breakWith(failureOf(refusal, edge, token));
    } else if (state.is === 'waiting' && !isLost) {
      isLost = true;
      say('the connection to the edge is lost; trying again');
    } else if (state.is === 'closed' && state.why !== 'asked') {
      breakWith(new Failure(EXIT.notAllowed, CLOSED[state.why]));
    }
  };
  const api = connect({
    url: edge.socket,
    token,
    WebSocket: socketsThatSay(timeoutMs, (why) => {
      refusal = why;
    }),
    onState: stands,
  });
  return {
    run(method, params, hear) {
      const command = api.run(method, params as Params<Method>);
      void tell(command, hear);
      return command.cmdId;
    },
    ask: (query, params) =>
      api.request(query, params).catch((error: unknown) => Promise.reject(asFailure(error))),
    watch: (hear, callid) => void watch(api, hear, callid).catch((error) => reject(asFailure(error))),
    broken,
    async close() {
      clearTimeout(late);
      api.close();
    },
  };
}

const CLOSED = {
  unauthorized:
    'the edge has closed the connection: the key was revoked, or the token has expired; get another one',
  superseded: 'another client has taken this session up',
} as const;

async function tell(command: Command<Method>, hear: (notice: Notice) => void): Promise<void> {
  try {
    // What the edge says of a command is a notice, whatever its event.
    for await (const notice of command) hear(notice as Notice);
  } catch (error) {
    if (!(error instanceof CallApiError)) throw error;
    const { code, message, data } = error;
    hear({ event: error.event ?? 'Lost', error: { code, message, ...(data === undefined ? {} : { data }) } });
  }
}

async function watch(api: CallApi, hear: (news: News) => void, callid?: string): Promise<void> {
  for await (const change of api.watch({ callid })) {
    if (change.type === 'call') {
      const { event, call, data } = change;
      hear({ is: 'call', event, call, ...(data === undefined ? {} : { data }) });
    } else if (change.type === 'link') hear({ is: 'link', event: change.link });
    else if (change.type !== 'resumed') {
      hear({ is: 'calls', calls: change.calls });
      if (change.type !== 'more' && change.link === 'Down') hear({ is: 'link', event: 'Down' });
    }
  }
}

function asFailure(error: unknown): unknown {
  if (!(error instanceof CallApiError)) return error;
  const advice = adviceFor(error.code);
  return new Failure(exitOf(error.code), advice === '' ? error.message : `${error.message}; ${advice}`);
}

/** As `Promise.withResolvers`, which Node 20 has not; nobody has to look at it. */
function withResolvers(): { promise: Promise<never>; reject: (why: unknown) => void } {
  let reject: (why: unknown) => void = () => {};
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  promise.catch(() => {});
  return { promise, reject };
}
