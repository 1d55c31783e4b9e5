/**
 * A WebSocket server that tests control remotely, so that they can run in any runtime. It passes each frame of a client to
 * the test on a control socket, and sends what the test tells it to. The test itself plays the edge: see `scripted-edge.ts`.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ControlEvent, ControlRequest } from './control-messages.ts';

// By Node's own resolution: in the set of tests for workerd, the package resolves to its entry for browsers, which is empty.
const { WebSocketServer } = createRequire(import.meta.url)('ws') as typeof import('ws');

/** Functions that a test can run on the machine of the fake server, by name. Each resolves with its result. */
export type HostActions = Readonly<Record<string, () => Promise<unknown>>>;

export class FakeServer implements AsyncDisposable {
  readonly #actions: HostActions;
  readonly #server = createServer((request, response) => this.#serve(request, response));
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('call-api.v1') ? 'call-api.v1' : false),
  });
  /** One for each control socket, by its name in the URL. */
  readonly #edges = new Map<string, ControlledEdge>();
  #lastEdge = 0;

  private constructor(actions: HostActions) {
    this.#actions = actions;
  }

  static async start(actions: HostActions = {}): Promise<FakeServer> {
    const server = new FakeServer(actions);
    server.#server.on('upgrade', (request, socket, head) => server.#upgrade(request, socket, head));
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  /** Such as `127.0.0.1:4000`. */
  get host(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the fake server is not listening');
    return `127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname } = this.#url(request);
    const edge = this.#edges.get(pathname.split('/')[1] ?? '');
    const accept = (onSocket: (socket: WebSocket) => void) =>
      this.#sockets.handleUpgrade(request, socket, head, onSocket);
    if (pathname === '/control') accept((control) => this.#onControlSocket(control));
    else if (edge?.refusalStatus !== 0) refuseUpgrade(socket, edge?.refusalStatus ?? 404);
    else accept((client) => edge.onClient(client, request));
  }

  #onControlSocket(control: WebSocket): void {
    const name = `edge-${++this.#lastEdge}`;
    const report = (event: ControlEvent) => control.send(JSON.stringify(event));
    const edge = new ControlledEdge(report);
    this.#edges.set(name, edge);
    control.on('close', () => {
      this.#edges.delete(name);
      edge.close();
    });
    control.on('message', (data) => {
      const request = JSON.parse(String(data)) as ControlRequest;
      if (request.type !== 'action') {
        edge.run(request);
        if (request.type === 'refuse') report({ type: 'done', id: request.id });
        return;
      }
      const { id } = request;
      Promise.resolve(this.#actions[request.name]?.()).then(
        (result) => report({ type: 'done', id, result }),
        (error: unknown) => report({ type: 'done', id, failure: String(error) }),
      );
    });
    report({ type: 'ready', url: `ws://${this.host}/${name}/call-api` });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = this.#url(request);
    const [, name = '', ...path] = pathname.split('/');
    // An empty page, so that a browser can have the same origin as the edge.
    if (pathname === '/') response.writeHead(200, { 'Content-Type': 'text/html' }).end();
    else if (path.join('/') !== 'v1/me') response.writeHead(404).end();
    else response.writeHead(this.#edges.get(name)?.refusalStatus || 200).end('{}');
  }

  #url({ url = '/' }: IncomingMessage): URL {
    return new URL(url, `http://${this.host}`);
  }
}

/** The edge that one control socket controls. */
class ControlledEdge {
  /** The HTTP status that upgrades are answered with; 0 accepts them. */
  refusalStatus = 0;
  readonly #report: (event: ControlEvent) => void;
  readonly #sockets: WebSocket[] = [];

  constructor(report: (event: ControlEvent) => void) {
    this.#report = report;
  }

  onClient(client: WebSocket, { url = '', headers }: IncomingMessage): void {
    const socket = this.#sockets.push(client) - 1;
    const protocols = (headers['sec-websocket-protocol'] ?? '').split(', ').filter(Boolean);
    client.on('message', (data) => this.#report({ type: 'frame', socket, text: String(data) }));
    client.on('close', (code) => this.#report({ type: 'closed', socket, code }));
    this.#report({ type: 'socket', socket, path: url, protocols });
  }

  run(request: Exclude<ControlRequest, { readonly type: 'action' }>): void {
    if (request.type === 'refuse') {
      this.refusalStatus = request.status;
      return;
    }
    const socket = this.#sockets[request.socket];
    if (request.type === 'terminate') socket?.terminate();
    else if (request.type === 'close') socket?.close(request.code);
    else for (const text of request.frames) socket?.send(text);
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
