/**
 * An edge that says what a test tells it to, as docs/protocol.md has it: for what no real one can be made to do at a
 * certain moment, and for as many calls as one likes.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Call } from '../../client/watching.ts';
import { SCOPES } from '../../shared/policy.ts';
import { consoleFile } from './files.ts';

interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What a request is answered with. */
type Answer =
  | { readonly result: object }
  | { readonly error: { code: number; message: string; data?: unknown } };

interface Told {
  readonly seq: number;
  readonly text: string;
}

export class FakeEdge implements AsyncDisposable {
  /** Who everybody is here; a sentence lets nobody in. */
  me: object | string = { tenant: 'demo', site: 'demo', subject: 'demo', scopes: [...SCOPES] };
  isLinked = true;
  /** Is what was missed still kept? */
  keeps = true;
  readonly requests: Request[] = [];
  readonly #calls = new Map<string, Call>();
  readonly #told: Told[] = [];
  readonly #timelines = new Map<string, { seq: number; at: number; event: string }[]>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'call-api.v1' });
  #watchers = new Set<WebSocket>();
  #seq = 0;

  static async start(): Promise<FakeEdge> {
    const edge = new FakeEdge();
    edge.#server.on('upgrade', (request, socket, head) => {
      edge.#sockets.handleUpgrade(request, socket, head, (webSocket) => edge.#accept(webSocket));
    });
    edge.#server.listen(0, '127.0.0.1');
    await once(edge.#server, 'listening');
    return edge;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** A call is now so; whoever watches is told. */
  change(event: string, call: Omit<Call, 'seq'>): void {
    const seq = ++this.#seq;
    const now: Call = { ...call, seq };
    this.#calls.set(call.callid, now);
    const timeline = this.#timelines.get(call.callid) ?? [];
    this.#timelines.set(call.callid, timeline);
    timeline.push({ seq, at: Date.now(), event });
    this.#tell(seq, { method: 'Call', params: { event, seq, call: now } });
  }

  /** The adapter goes or comes. */
  link(isUp: boolean): void {
    this.isLinked = isUp;
    const seq = ++this.#seq;
    this.#tell(seq, { method: 'Link', params: { event: isUp ? 'Up' : 'Down', seq } });
  }

  /** Tells of a command, to whoever is there. */
  tell(method: string, cmdId: string, event: string, data?: object, error?: object): void {
    const params = { cmd_id: cmdId, event, data, error, seq: ++this.#seq };
    const text = JSON.stringify({ jsonrpc: '2.0', method, params });
    for (const socket of this.#sockets.clients) socket.send(text);
  }

  /** Cuts all sockets. */
  cut(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  /** Until it is, whoever comes is cut at once. */
  isReachable = true;

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #tell(seq: number, message: object): void {
    const text = JSON.stringify({ jsonrpc: '2.0', ...message });
    this.#told.push({ seq, text });
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
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, ...this.#answer(method, params) }));
      if (method === 'CallWatch') this.#follow(socket, params['since']);
    });
  }

  /** What it missed, then what comes. */
  #follow(socket: WebSocket, since: unknown): void {
    if (typeof since === 'number' && this.keeps)
      for (const { seq, text } of this.#told) if (seq > since) socket.send(text);
    this.#watchers.add(socket);
  }

  #answer(method: string, params: Request['params']): Answer {
    if (method === 'CallWatch') {
      const since = typeof params['since'] === 'number' && this.keeps ? params['since'] : undefined;
      const calls = [...this.#calls.values()].filter(({ seq }) => since === undefined || seq > since);
      const isReset = params['since'] !== undefined && since === undefined;
      const link = this.isLinked ? 'Up' : 'Down';
      return { result: { calls, seq: this.#seq, link, ...(isReset ? { reset: true } : {}) } };
    }
    if (method === 'CallGet') {
      const callid = String(params['callid']);
      const call = this.#calls.get(callid);
      if (!call) return { error: { code: -32005, message: 'Gone', data: 'no such call is known here' } };
      return { result: { call, timeline: this.#timelines.get(callid) ?? [] } };
    }
    return { result: { cmd_id: params['cmd_id'], event: 'Started' } };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    if (path === '/v1/me') {
      const isOpen = typeof this.me === 'object';
      const body = isOpen ? this.me : { status: 401, detail: this.me };
      response
        .writeHead(isOpen ? 200 : 401, { 'Content-Type': 'application/json' })
        .end(JSON.stringify(body));
    } else {
      const file = await consoleFile(path);
      if (file) response.writeHead(200, { 'Content-Type': file.type }).end(file.body);
      else response.writeHead(404).end();
    }
  }
}
