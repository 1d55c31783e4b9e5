/** Browsers, Node and workerd, as the connection needs them: all have these of the web's standards. @module */
import type { Socket, Surroundings } from './connection.ts';

/** What is used of a WebSocket: every implementation of the standard has it, as has `ws`. */
export interface WebSocketLike {
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: unknown) => void): void;
  send(text: string): void;
  close(): void;
}

/** A class of such. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** Random bytes of a name: 128 bits, as those of a UUID, which only secure pages can make. */
const NAME_BYTES = 16;
/** RFC 6455 §7.1.5: closed without a word. */
const ABNORMAL = 1006;
/** Milliseconds that the question whether a token is refused may take. */
const REFUSAL_PATIENCE_MS = 10_000;

export function platform(WebSocket: WebSocketClass): Surroundings {
  return {
    open: (url, protocols) => open(WebSocket, url, protocols),
    isRefused,
    now: Date.now,
    after: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
    name: () =>
      Array.from(crypto.getRandomValues(new Uint8Array(NAME_BYTES)), (byte) =>
        byte.toString(16).padStart(2, '0'),
      ).join(''),
  };
}

/** Its events, with no more of them than is looked at. workerd has no `onopen` and the like. */
function open(WebSocket: WebSocketClass, url: string, protocols: readonly string[]): Socket {
  const webSocket = new WebSocket(url, [...protocols]);
  const socket: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => webSocket.send(text),
    close: () => webSocket.close(),
  };
  webSocket.addEventListener('open', () => socket.onopen?.());
  webSocket.addEventListener('message', (event) => socket.onmessage?.(event as { data: unknown }));
  webSocket.addEventListener('close', (event) => socket.onclose?.(event as { code: number }));
  // Not every platform has a close follow it; of `ws`, unheard, it would end the process.
  webSocket.addEventListener('error', () => socket.onclose?.({ code: ABNORMAL }));
  return socket;
}

/** No WebSocket says why an upgrade was refused, so it is asked for. What keeps us from asking is no answer. */
async function isRefused(url: string, token: string | undefined): Promise<boolean> {
  const me = new URL(url);
  me.protocol = me.protocol.replace('ws', 'http');
  me.pathname = me.pathname.replace(/call-api$/, 'v1/me');
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const signal = AbortSignal.timeout(REFUSAL_PATIENCE_MS);
  const { status } = await fetch(me, { method: 'HEAD', headers, signal });
  return status === 401 || status === 403;
}
