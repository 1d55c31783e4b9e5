/** The way through the edge: its WebSocket, and its HTTP routes for what is asked beside it. @module */
import { randomBytes } from 'node:crypto';
import WebSocket from 'ws';
import { Connection, type Socket } from '../client/connection.ts';
import type { Call, CallEventName } from '../shared/calls.ts';
import type { Method, Query } from '../shared/methods.ts';
import { EXIT, exitOf, Failure, sentenceOf } from './exit.ts';
import type { Line, News, Notice } from './line.ts';
import { type Edge, reasonOf, type Settings } from './settings.ts';

/** Why an upgrade was refused, as far as anybody said. */
export type Refusal =
  | { readonly is: 'answer'; readonly status: number; readonly detail: string }
  | { readonly is: 'silence'; readonly reason: string };

/** Opens a WebSocket. Node 20 has none of its own, and the one of Node 24 does not say why it was refused. */
export function openSocket(
  url: string,
  protocols: readonly string[],
  timeoutMs: number,
  refused: (refusal: Refusal) => void,
): Socket {
  const ws = new WebSocket(url, [...protocols], { handshakeTimeout: timeoutMs });
  const socket: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => ws.send(text),
    close: () => ws.close(),
  };
  ws.on('open', () => socket.onopen?.());
  ws.on('message', (data) => socket.onmessage?.({ data: data.toString() }));
  ws.on('close', (code) => socket.onclose?.({ code }));
  ws.on('error', (error) => refused({ is: 'silence', reason: reasonOf(error) }));
  ws.on('unexpected-response', (request, response) => {
    let body = '';
    response.on('data', (chunk: Buffer) => (body += chunk.toString()));
    response.on('end', () => {
      refused({ is: 'answer', status: response.statusCode ?? 0, detail: detailIn(body) });
      request.destroy();
      socket.onclose?.({ code: 1006 });
    });
  });
  return socket;
}

/** The subprotocols by which a token travels: docs/protocol.md. */
export function protocolsFor(token: string | undefined): readonly string[] {
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
  return new Failure(EXIT.unreachable, `what answers at ${edge.origin} is no edge (${status}): check --url or CALL_API`);
}

/** Asks one of the edge's HTTP routes; rejects with a {@link Failure} where nothing answers. */
export async function askRoute(
  { edge, token, timeoutMs }: Pick<Settings, 'edge' | 'token' | 'timeoutMs'>,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly body: unknown; readonly date: string | null; readonly ms: number }> {
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

/** Connects; what fails before the first socket is open breaks the line, what is lost later comes back by itself. */
export function openEdge(
  { edge, token, timeoutMs }: Pick<Settings, 'edge' | 'token' | 'timeoutMs'>,
  lost: (sentence: string) => void,
): Line {
  let refusal: Refusal = { is: 'silence', reason: `no answer within ${timeoutMs / 1_000} s` };
  let wasOpen = false;
  const { promise: broken, reject } = Promise.withResolvers<never>();
  broken.catch(() => {});
  const breakWith = (failure: Failure) => {
    reject(failure);
    connection.close();
  };
  const late = setTimeout(() => breakWith(failureOf(refusal, edge, token)), timeoutMs);
  const connection: Connection = new Connection(
    {
      url: edge.socket,
      ...(token === undefined ? {} : { token }),
      onState: (state) => {
        if (state.is === 'open') {
          clearTimeout(late);
          if (wasOpen) lost('connected again');
          wasOpen = true;
        } else if (state.is === 'waiting' && !wasOpen) {
          clearTimeout(late);
          breakWith(failureOf(refusal, edge, token));
        } else if (state.is === 'waiting' && state.attempt === 1) {
          lost('the connection to the edge is lost; trying again');
        } else if (state.is === 'closed' && state.why !== 'asked') {
          clearTimeout(late);
          const why =
            state.why === 'unauthorized'
              ? 'the edge has closed the connection: the key was revoked, or the token has expired; get another one'
              : 'another client has taken this session up';
          reject(new Failure(EXIT.notAllowed, why));
        }
      },
    },
    {
      open: (url, protocols) => {
        // Its session and more stand in the query; so does the site, which is ours.
        const [base = '', query = ''] = split(url);
        return openSocket(`${base}${query}`, protocols, timeoutMs, (why) => {
          refusal = why;
        });
      },
      now: () => Date.now(),
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
      random: () => Math.random(),
      name: () => randomBytes(16).toString('hex'),
    },
  );
  connection.connect();

  const ask = async (query: Query, params: object): Promise<unknown> => {
    try {
      return await connection.ask(query, params);
    } catch (error) {
      const failure = error as { readonly code: number; readonly message: string; readonly data?: unknown };
      throw new Failure(exitOf(failure.code), sentenceOf(failure));
    }
  };
  return {
    run: (method: Method, params: object, hear: (notice: Notice) => void) => connection.run(method, params, hear),
    ask,
    watch: (hear: (news: News) => void, callid?: string) => watch(connection, hear, callid),
    broken,
    async close() {
      clearTimeout(late);
      connection.close();
    },
  };
}
