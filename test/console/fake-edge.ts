/**
 * A scripted edge that speaks the protocol of docs/protocol.md. Tests use it for what a real edge cannot be made to do
 * at a certain moment, and for large numbers of calls.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Call } from '../../client/connection/call.ts';
import { SCOPES } from '../../shared/policy/policy.ts';
import { readConsoleFile } from './console-files.ts';

interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The result or the error of a response. */
type RpcOutcome =
  | { readonly result: object }
  | { readonly error: { code: number; message: string; data?: unknown } };

interface SentNotification {
  readonly seq: number;
  readonly text: string;
}

export class FakeEdge implements AsyncDisposable {
  /** The principal of every client. A text rejects all clients with that reason. */
  principal: object | string = { tenant: 'demo', site: 'demo', subject: 'demo', scopes: [...SCOPES] };
  /** Answers `/v1/me` with this status instead; 0 for the usual answer. */
  meStatus = 0;
  isLinked = true;
  /** Whether a reconnecting watcher gets the changes that it has missed. */
  keepsChanges = true;
  /** Calls in the first part of a snapshot, and in each page of it. */
  pageSize = Number.POSITIVE_INFINITY;
  /** Answers requests for further pages instead of the edge; undefined leaves them without an answer. */
  answerPage: ((page: object) => RpcOutcome | undefined) | undefined = (result) => ({ result });
  /** Tokens that the edge no longer accepts. */
  readonly revokedTokens = new Set<string>();
  readonly requests: Request[] = [];
  readonly #calls = new Map<string, Call>();
  readonly #sentNotifications: SentNotification[] = [];
  readonly #timelines = new Map<string, { seq: number; at: number; event: string }[]>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'call-api.v1' });
  #watchers = new Set<WebSocket>();
  #seq = 0;

  static async start(): Promise<FakeEdge> {
    const edge = new FakeEdge();
    edge.#server.on('upgrade', (request, socket, head) => {
      const [, token = ''] = (request.headers['sec-websocket-protocol'] ?? '').split('call-api.token.');
      if (edge.revokedTokens.has(token)) {
        socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      edge.#sockets.handleUpgrade(request, socket, head, (webSocket) => edge.#accept(webSocket));
    });
    edge.#server.listen(0, '127.0.0.1');
    await once(edge.#server, 'listening');
    return edge;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the server is not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Changes a call and notifies the watchers. */
  changeCall(event: string, call: Omit<Call, 'seq'>): void {
    const seq = ++this.#seq;
    const changed: Call = { ...call, seq };
    this.#calls.set(call.callid, changed);
    const timeline = this.#timelines.get(call.callid) ?? [];
    this.#timelines.set(call.callid, timeline);
    timeline.push({ seq, at: Date.now(), event });
    this.#notifyWatchers(seq, { method: 'Call', params: { event, seq, call: changed } });
  }

  /** Connects or disconnects the adapter. */
  setLink(isUp: boolean): void {
    this.isLinked = isUp;
    const seq = ++this.#seq;
    this.#notifyWatchers(seq, { method: 'Link', params: { event: isUp ? 'Up' : 'Down', seq } });
  }

  /** Sends a notification of a command to all clients. */
  notify(method: string, cmdId: string, event: string, data?: object, error?: object): void {
    const params = { cmd_id: cmdId, event, data, error, seq: ++this.#seq };
    const text = JSON.stringify({ jsonrpc: '2.0', method, params });
    for (const socket of this.#sockets.clients) socket.send(text);
  }

  /** Closes all sockets with this code, or without a close frame. */
  closeSockets(code?: number): void {
    for (const socket of this.#sockets.clients) {
      if (code === undefined) socket.terminate();
      else socket.close(code);
    }
  }

  /** The number of sockets that are open. */
  get openSockets(): number {
    return this.#sockets.clients.size;
  }

  /** While it is false, new sockets are closed immediately. */
  isReachable = true;

  async [Symbol.asyncDispose](): Promise<void> {
    this.closeSockets();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #notifyWatchers(seq: number, message: object): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#sentNotifications.push({ seq, text });
    for (const socket of this.#watchers) socket.send(text);
  }

  #accept(socket: WebSocket): void {
    if (!this.isReachable) {
      socket.terminate();
      return;
    }
    socket.on('close', () => this.#watchers.delete(socket));
    socket.on('message', (data) => {
      const text = String(data);
      if (text === 'ping') return socket.send('pong');
      const request = JSON.parse(text) as Request;
      this.requests.push(request);
      const { id, method, params } = request;
      const outcome = this.#respond(method, params);
      if (outcome) socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }));
      if (method === 'CallWatch') this.#addWatcher(socket, params['since']);
    });
  }

  /** Sends the changes that the watcher has missed, then all further ones. */
  #addWatcher(socket: WebSocket, since: unknown): void {
    if (typeof since === 'number' && this.keepsChanges)
      for (const { seq, text } of this.#sentNotifications) if (seq > since) socket.send(text);
    this.#watchers.add(socket);
  }

  #respond(method: string, params: Request['params']): RpcOutcome | undefined {
    if (method === 'CallList') return this.answerPage?.(this.#page(Number(params['cursor'])));
    if (method === 'CallWatch') {
      const since = typeof params['since'] === 'number' && this.keepsChanges ? params['since'] : undefined;
      const calls = [...this.#calls.values()].filter(({ seq }) => since === undefined || seq > since);
      const isReset = params['since'] !== undefined && since === undefined;
      const link = this.isLinked ? 'Up' : 'Down';
      const listed = since === undefined ? this.#page(0) : { calls };
      return { result: { ...listed, seq: this.#seq, link, ...(isReset ? { reset: true } : {}) } };
    }
    if (method === 'CallGet') {
      const callid = String(params['callid']);
      const call = this.#calls.get(callid);
      if (!call)
        return {
          error: { code: -32005, message: 'Gone', data: 'callid: This call is unknown or no longer stored.' },
        };
      return { result: { call, timeline: this.#timelines.get(callid) ?? [] } };
    }
    return { result: { cmd_id: params['cmd_id'], event: 'Started' } };
  }

  /** Returns a page of the calls, from this index on. */
  #page(start: number): object {
    const calls = [...this.#calls.values()];
    const end = start + this.pageSize;
    return { calls: calls.slice(start, end), ...(end < calls.length ? { cursor: String(end) } : {}) };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    if (path === '/v1/me' && this.meStatus > 0) {
      const problem = JSON.stringify({ status: this.meStatus, detail: 'Wait a moment.' });
      response.writeHead(this.meStatus, { 'Content-Type': 'application/json' }).end(problem);
    } else if (path === '/v1/me') {
      const token = (request.headers.authorization ?? '').replace('Bearer ', '');
      const isOpen = typeof this.principal === 'object' && !this.revokedTokens.has(token);
      const body = isOpen ? this.principal : { status: 401, detail: 'Invalid token.' };
      response
        .writeHead(isOpen ? 200 : 401, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(body));
    } else if (path === '/healthz') {
      const link = { connected: true, adapter: 'sbc-1', adapter_version: '0.2.0', node_version: '24.0.0' };
      response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ status: 'ok', link }));
    } else {
      const file = await readConsoleFile(path);
      if (file) response.writeHead(200, { 'Content-Type': file.type }).end(file.body);
      else response.writeHead(404).end();
    }
  }
}
