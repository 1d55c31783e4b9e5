/** Connections to the edge: its WebSocket and its HTTP routes, and what it means when one is refused. @module */
import { text } from 'node:stream/consumers';
import WebSocket from 'ws';
import type { RpcError } from '../../shared/protocol/rpc/jsonrpc.ts';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { EXIT, Failure } from '../exit.ts';
import type { Edge, Settings } from '../settings/settings.ts';

export type EdgeSettings = Pick<Settings, 'edge' | 'token' | 'timeoutMs'>;

/** Why there is no connection: the HTTP response that refused it, or what kept any response from arriving. */
export type ConnectError =
  | { readonly type: 'refused'; readonly status: number; readonly detail: string }
  | { readonly type: 'unreachable'; readonly reason: string };

/**
 * Returns a WebSocket class for a client. Node 20 has none of its own, and the one of Node 24 does not say why it was
 * refused.
 * @param onError receives the reason before the socket closes
 */
export function webSocketClass(timeoutMs: number, onError: (error: ConnectError) => void) {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { handshakeTimeout: timeoutMs });
      this.on('error', (error) => onError({ type: 'unreachable', reason: reasonOf(error) }));
      this.on('unexpected-response', (_, response) => {
        text(response).then(
          (body) => {
            // Terminating the handshake raises an error as well, which says less.
            this.removeAllListeners('error').on('error', () => {});
            onError({ type: 'refused', status: response.statusCode ?? 0, detail: problemDetailOf(body) });
            this.terminate();
          },
          () => this.terminate(),
        );
      });
    }
  };
}

/** Returns the subprotocols that carry a token: docs/protocol.md. */
function subprotocolsFor(token: string | undefined): string[] {
  return token === undefined ? [] : ['call-api.v1', `call-api.token.${token}`];
}

/** Returns the `detail` of a problem document (RFC 9457), or an empty text. */
function problemDetailOf(body: string): string {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null && 'detail' in json ? String(json.detail) : '';
  } catch {
    return '';
  }
}

/** Returns what a connection error means to the user, and the exit code for it. */
export function failureFor(error: ConnectError, edge: Edge, token: string | undefined): Failure {
  if (error.type === 'unreachable')
    return new Failure(
      EXIT.unreachable,
      `no edge is reached at ${edge.origin} (${error.reason}): check --url or CALL_API; npm start runs one on this machine`,
    );
  const { status } = error;
  const detail = error.detail === '' ? '' : `: ${error.detail}`;
  if (status === 400) return new Failure(EXIT.usage, `the edge does not take it (400)${detail}; see --site`);
  if (status === 401 || status === 403) {
    const remedy =
      token === undefined ? 'set CALL_API_TOKEN or give --token-file' : 'call-api doctor tells more';
    return new Failure(EXIT.notAllowed, `the edge does not let this in (${status})${detail}; ${remedy}`);
  }
  if (status === 429 || status === 503)
    return new Failure(EXIT.unreachable, `the edge has no room (${status})${detail}; try again in a while`);
  return new Failure(
    EXIT.unreachable,
    `what answers at ${edge.origin} is no edge (${status}): check --url or CALL_API`,
  );
}

/** Requests one of the edge's HTTP routes; rejects with a {@link Failure} where nothing answers. */
export async function requestRoute(
  { edge, token, timeoutMs }: EdgeSettings,
  path: string,
  body?: object,
): Promise<{
  readonly status: number;
  readonly body: unknown;
  readonly date: string | null;
  readonly ms: number;
}> {
  const site = edge.site === undefined || body ? '' : `?site=${encodeURIComponent(edge.site)}`;
  const startedAt = performance.now();
  try {
    const response = await fetch(`${edge.origin}${path}${site}`, {
      method: body ? 'POST' : 'GET',
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body ? { 'Content-Type': 'application/json' } : {}),
      },
      // A redirect would send the token to another server.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const json: unknown = await response.json().catch(() => undefined);
    return {
      status: response.status,
      body: json,
      date: response.headers.get('Date'),
      ms: performance.now() - startedAt,
    };
  } catch (error) {
    throw failureFor({ type: 'unreachable', reason: reasonOf(error) }, edge, token);
  }
}

/** Opens one WebSocket, without reconnecting; rejects with a {@link Failure} where it does not open. */
export function openSocket({ edge, token, timeoutMs }: EdgeSettings): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const Socket = webSocketClass(timeoutMs, (error) => reject(failureFor(error, edge, token)));
    const socket = new Socket(edge.socket, subprotocolsFor(token));
    socket.on('open', () => resolve(socket));
  });
}

/** Sends one request on a socket of its own; rejects with a {@link Failure} where none opens or no response arrives. */
export async function requestOnce(
  settings: EdgeSettings,
  method: string,
  params: object,
): Promise<{ readonly result?: unknown; readonly error?: RpcError }> {
  const socket = await openSocket(settings);
  const { timeoutMs } = settings;
  try {
    return await new Promise((resolve, reject) => {
      const timedOut = new Failure(
        EXIT.unreachable,
        `the edge has not answered ${method} within ${timeoutMs / 1_000} s: try again`,
      );
      setTimeout(() => reject(timedOut), timeoutMs).unref();
      socket.on('message', (data) => resolve(JSON.parse(data.toString()) as { readonly result?: unknown }));
      socket.on('close', () => reject(timedOut));
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: method, method, params }));
    });
  } finally {
    socket.close();
  }
}
