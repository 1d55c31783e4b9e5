/** The runtime functions that a connection uses, implemented with web standards of browsers, Node.js and workerd. @module */

/** An open or opening WebSocket. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

/** The handlers of a socket. */
export interface SocketEvents {
  readonly onOpen: () => void;
  readonly onMessage: (text: string) => void;
  readonly onClose: (code: number) => void;
}

/** The runtime functions: sockets, the clock, timers and random numbers. */
export interface Platform {
  readonly openSocket: (url: string, protocols: string[], events: SocketEvents) => Socket;
  /**
   * Asks the edge about a token, and calls back if it is rejected. Returns a function that stops asking. Without it, every
   * failure counts as temporary.
   */
  readonly checkToken?: (url: string, token: string | undefined, onRejected: () => void) => () => void;
  /** Returns the time in Unix milliseconds. */
  readonly now: () => number;
  /** Calls back after the given milliseconds. Returns a function that cancels the timer. */
  readonly setTimer: (ms: number, callback: () => void) => () => void;
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Returns a unique id of letters and digits. */
  readonly randomId: () => string;
}

/** The part of a WebSocket that is used here. Every implementation of the standard has it, and so has `ws`. */
export interface WebSocketLike extends Socket {
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: unknown) => void): void;
}

/** The constructor of such WebSockets. */
export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** 128 bits, as a UUID has. `crypto.randomUUID` exists on secure pages only. */
const ID_BYTES = 16;
/** RFC 6455 §7.1.5: the connection was lost without a close frame. */
const ABNORMAL_CLOSURE = 1006;
const TOKEN_CHECK_TIMEOUT_MS = 10_000;

export function webPlatform(WebSocket: WebSocketClass): Platform {
  return {
    openSocket: (url, protocols, { onOpen, onMessage, onClose }) => {
      const socket = new WebSocket(url, protocols);
      // workerd has no `onopen`, `onmessage` and `onclose`.
      socket.addEventListener('open', onOpen);
      socket.addEventListener('message', (event) => onMessage(String((event as { data: unknown }).data)));
      socket.addEventListener('close', (event) => onClose((event as { code: number }).code));
      // Not every platform sends `close` after `error`. With `ws`, an `error` without a listener ends the process.
      socket.addEventListener('error', () => onClose(ABNORMAL_CLOSURE));
      return socket;
    },
    checkToken,
    now: Date.now,
    setTimer: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
    randomId: () =>
      Array.from(crypto.getRandomValues(new Uint8Array(ID_BYTES)), (byte) =>
        byte.toString(16).padStart(2, '0'),
      ).join(''),
  };
}

/** Asks over HTTP, because no WebSocket says why an upgrade was refused. Says nothing if the edge cannot be asked. */
function checkToken(url: string, token: string | undefined, onRejected: () => void): () => void {
  const me = new URL(url);
  me.protocol = me.protocol.replace('ws', 'http');
  me.pathname = me.pathname.replace(/call-api$/, 'v1/me');
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(() => controller.abort(), TOKEN_CHECK_TIMEOUT_MS);
  fetch(me, { method: 'HEAD', headers, signal })
    .then(
      ({ status }) => {
        if (!signal.aborted && (status === 401 || status === 403)) onRejected();
      },
      () => {},
    )
    .finally(() => clearTimeout(timer));
  return () => {
    clearTimeout(timer);
    controller.abort();
  };
}
