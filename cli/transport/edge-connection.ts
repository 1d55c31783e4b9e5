/** Connections to the edge: its WebSocket and its HTTP routes, and what it means when one is refused. @module */
import WebSocket from 'ws';
import type { RpcError } from '../../shared/protocol/rpc/jsonrpc.ts';
import { explainError } from '../../shared/settings/error-reason.ts';
import type { Settings } from '../settings/settings.ts';
import { type ConnectError, failureFor, noAnswer, notAnEdge } from './connect-error.ts';
import { type Answer, readAnswer, readRefusal } from './http-answer.ts';

/**
 * How long the end of TCP is awaited after the Close frame of the edge, in milliseconds: 30 s by default, and an edge on one
 * machine may take as long. The types of `ws` lack this option.
 */
const CLOSE_TIMEOUT = { closeTimeout: 500 };

export type EdgeSettings = Pick<Settings, 'edge' | 'token' | 'timeoutMs'>;

/**
 * Returns a WebSocket class for a client. Node 20 has none of its own, and the one of Node 24 does not say why it was
 * refused.
 * @param onError receives the reason before the socket closes
 */
export function webSocketClass(timeoutMs: number, onError: (error: ConnectError) => void) {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { handshakeTimeout: timeoutMs, ...CLOSE_TIMEOUT });
      this.on('error', (error) => onError({ type: 'unreachable', ...explainError(error) }));
      this.on('unexpected-response', (_, response) => {
        // Ending the handshake raises an error as well, which says less.
        this.removeAllListeners('error').on('error', () => {});
        void readRefusal(response, timeoutMs).then((refusal) => {
          onError({ type: 'refused', ...refusal });
          this.terminate();
        });
      });
    }
  };
}

/** Returns the subprotocols that carry a token: docs/protocol.md. */
function subprotocolsFor(token: string | undefined): string[] {
  return token === undefined ? [] : ['call-api.v1', `call-api.token.${token}`];
}

/** Requests one of the edge's HTTP routes; rejects with a {@link Failure} where nothing answers. */
export async function requestRoute(
  { edge, token, timeoutMs }: EdgeSettings,
  path: string,
  body?: object,
): Promise<Answer & { readonly date: string | null; readonly ms: number }> {
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
    const answer = await readAnswer(response);
    return { ...answer, date: response.headers.get('Date'), ms: performance.now() - startedAt };
  } catch (error) {
    throw failureFor({ type: 'unreachable', ...explainError(error) }, edge, token);
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

/** Returns the object in a message; undefined where the server is not an edge. */
export function parseMessage(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

/** Sends one request on a socket of its own; rejects with a {@link Failure} where none opens or no response arrives. */
export async function requestOnce(
  settings: EdgeSettings,
  method: string,
  params: object,
): Promise<{ readonly result?: unknown; readonly error?: RpcError }> {
  const socket = await openSocket(settings);
  const { edge, timeoutMs } = settings;
  try {
    return await new Promise((resolve, reject) => {
      const timedOut = noAnswer(edge, timeoutMs);
      setTimeout(() => reject(timedOut), timeoutMs).unref();
      socket.on('message', (data) => {
        const message = parseMessage(data.toString());
        if (message) resolve(message);
        else reject(notAnEdge(edge));
      });
      socket.on('close', () => reject(timedOut));
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: method, method, params }));
    });
  } finally {
    socket.close();
  }
}
