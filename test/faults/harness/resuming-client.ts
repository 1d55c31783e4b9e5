/**
 * A client that reconnects and resumes: it keeps its session, repeats requests without a response, discards duplicate
 * notifications, and records everything.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { Notification, RpcResponse } from '../../harness/client.ts';
import { type CommandParams, type FaultClient, NotificationLog } from './fault-client.ts';

/** After this time without a response the client considers the socket dead and opens another one. */
const RESPONSE_TIMEOUT_MS = 2_500;
const HANDSHAKE_TIMEOUT_MS = 2_000;
const RECONNECT_DELAY_MS = 100;
const LIVENESS_CHECK_INTERVAL_MS = 250;
/** When a request that failed for lack of an adapter is repeated. */
const NO_ADAPTER_RETRY_MS = 250;
const NO_ADAPTER = -32001;
/**
 * Begins the `cmd_id` of a command whose end shows that a replay is complete: it is stored after everything that is replayed, and sent from
 * there. It ends a call that does not exist.
 */
const MARKER = 'replay-complete-';

/** A request without a final response. */
interface PendingRequest {
  readonly text: string;
  sentAt: number;
  readonly resolve: (response: RpcResponse) => void;
}

export class ResumingClient implements FaultClient {
  /** Violations of the protocol, one sentence each. */
  readonly violations: string[] = [];
  /** Connections opened, responses without an adapter, and notifications that arrived again. */
  readonly counts = { connections: 0, refused: 0, duplicates: 0 };
  readonly #url: string;
  readonly #session: string;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #log = new NotificationLog();
  readonly #livenessTimer: NodeJS.Timeout;
  #socket: WebSocket | undefined;
  #lastId = 0;
  #isClosed = false;

  /** @param url where clients connect, without a query */
  constructor(url: string, session: string) {
    this.#url = url;
    this.#session = session;
    this.#livenessTimer = setInterval(() => this.#checkLiveness(), LIVENESS_CHECK_INTERVAL_MS);
    this.#connect();
  }

  get notifications(): readonly Notification[] {
    return this.#log.all;
  }

  /** The number of the newest notification. */
  get lastSeq(): number {
    return this.notifications.at(-1)?.seq ?? 0;
  }

  /** Repeats a request until there is a response, across reconnects. `cmd_id` in params makes that safe. */
  async request(method: string, params: CommandParams): Promise<RpcResponse> {
    for (;;) {
      const id = ++this.#lastId;
      const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
      const response = await new Promise<RpcResponse>((resolve) => {
        this.#pending.set(id, { text, sentAt: 0, resolve });
        this.#sendPending();
      });
      if (response.error?.code !== NO_ADAPTER || this.#isClosed) return response;
      this.counts.refused++;
      await new Promise((resolve) => setTimeout(resolve, NO_ADAPTER_RETRY_MS));
    }
  }

  notificationsOf(cmdId: string): readonly Notification[] {
    return this.#log.of(cmdId);
  }

  waitForEvent(cmdId: string, names: readonly string[], timeoutMs: number): Promise<boolean> {
    return this.#log.waitFor(cmdId, names, timeoutMs);
  }

  /** It asks until there is an answer. */
  isLost(): boolean {
    return false;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#livenessTimer);
    this.#socket?.terminate();
    for (const { resolve } of this.#pending.values()) resolve({ id: null });
  }

  #connect(): void {
    if (this.#isClosed) return;
    for (const request of this.#pending.values()) request.sentAt = 0;
    const socket = new WebSocket(`${this.#url}?session=${this.#session}&since=${this.lastSeq}`, {
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    this.#socket = socket;
    let connectionSeq = this.lastSeq;
    socket.on('open', () => {
      this.counts.connections++;
      this.#sendPending();
    });
    socket.on('message', (data) => {
      if (socket === this.#socket) connectionSeq = this.#receive(data.toString(), connectionSeq);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (socket === this.#socket) setTimeout(() => this.#connect(), RECONNECT_DELAY_MS);
    });
  }

  #sendPending(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (const request of this.#pending.values()) {
      if (request.sentAt > 0) continue;
      request.sentAt = Date.now();
      this.#socket.send(request.text);
    }
  }

  /** Replaces a dead socket: TCP itself would take minutes to detect it. */
  #checkLiveness(): void {
    const sentBefore = Date.now() - RESPONSE_TIMEOUT_MS;
    if (![...this.#pending.values()].some(({ sentAt }) => sentAt > 0 && sentAt < sentBefore)) return;
    const dead = this.#socket;
    this.#connect();
    dead?.terminate();
  }

  /** Handles a message. Returns the newest sequence number on this connection. */
  #receive(text: string, connectionSeq: number): number {
    const message = JSON.parse(text) as
      | RpcResponse
      | { readonly method: string; readonly params: Notification };
    if (!('params' in message)) {
      const request = this.#pending.get(Number(message.id));
      this.#pending.delete(Number(message.id));
      request?.resolve(message);
      return connectionSeq;
    }
    // The edge closes the connection next, and then it is opened again.
    if (message.method === 'Closing') return connectionSeq;
    const notification = message.params;
    const { seq, cmd_id: cmdId } = notification;
    if (cmdId?.startsWith(MARKER)) return Math.max(connectionSeq, seq);
    if (message.method === 'SessionReset') {
      this.violations.push(`the session was reset: ${text}`);
      return connectionSeq;
    }
    if (seq <= connectionSeq)
      this.violations.push(`seq ${seq} arrived after ${connectionSeq} on one connection`);
    if (seq <= this.lastSeq) {
      this.counts.duplicates++;
      return Math.max(connectionSeq, seq);
    }
    this.#log.add(notification);
    return seq;
  }
}

/** Returns all notifications that the edge retains for a session, as a client gets them that has received none. */
export async function fetchReplay(url: string, session: string): Promise<Notification[]> {
  const socket = new WebSocket(`${url}?session=${session}&since=0`, {
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  const cmdId = `${MARKER}${randomUUID()}`;
  const notifications: Notification[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed before the replay was complete')));
      const params = { callid: cmdId, cmd_id: cmdId };
      const request = JSON.stringify({ jsonrpc: '2.0', id: 'complete', method: 'CallEnd', params });
      socket.on('open', () => socket.send(request));
      socket.on('message', (data) => {
        const message = JSON.parse(data.toString()) as RpcResponse | { readonly params: Notification };
        if (!('params' in message)) {
          if (message.error?.code === NO_ADAPTER) setTimeout(() => socket.send(request), NO_ADAPTER_RETRY_MS);
          else if (message.error) reject(new Error(`the marker was refused: ${data.toString()}`));
          return;
        }
        const { params } = message;
        if (params.cmd_id === cmdId && params.event === 'Ended') resolve();
        // `Closing` has none.
        if (params.cmd_id?.startsWith(MARKER) === false) notifications.push(params);
      });
    });
    return notifications;
  } finally {
    socket.terminate();
  }
}
