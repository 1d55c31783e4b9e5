/**
 * An edge that says what a test tells it to, for tests that run in any runtime: it takes sockets in and hands every
 * frame to the test by a control socket, and back. What an edge would say is the test's to know: see
 * `scripted-edge.ts`.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Order, Report } from './orders.ts';

// By Node's own rules: a set of tests that runs in workerd would find the package's entry for browsers, which is empty.
const { WebSocketServer } = createRequire(import.meta.url)('ws') as typeof import('ws');

/** What a test may ask of the machine beside its scripts, by name; resolves with what is told of it. */
export type Deeds = Readonly<Record<string, () => Promise<unknown>>>;

export class FakeServer implements AsyncDisposable {
  readonly #deeds: Deeds;
  readonly #server = createServer((request, response) => this.#serve(request, response));
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('call-api.v1') ? 'call-api.v1' : false),
  });
  /** One for each control socket, by its name in the URL. */
  readonly #worlds = new Map<string, World>();
  #names = 0;

  private constructor(deeds: Deeds) {
    this.#deeds = deeds;
  }

  static async start(deeds: Deeds = {}): Promise<FakeServer> {
    const server = new FakeServer(deeds);
    server.#server.on('upgrade', (request, socket, head) => server.#upgrade(request, socket, head));
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  /** Where it is, such as `127.0.0.1:4000`. */
  get host(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
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
    const world = this.#worlds.get(pathname.split('/')[1] ?? '');
    const accept = (on: (socket: WebSocket) => void) =>
      this.#sockets.handleUpgrade(request, socket, head, on);
    if (pathname === '/control') accept((control) => this.#control(control));
    else if (world?.refuses !== 0) refuse(socket, world?.refuses ?? 404);
    else accept((client) => world.accept(client, request));
  }

  #control(control: WebSocket): void {
    const name = `w${++this.#names}`;
    const report = (what: Report) => control.send(JSON.stringify(what));
    const world = new World(report);
    this.#worlds.set(name, world);
    control.on('close', () => {
      this.#worlds.delete(name);
      world.close();
    });
    control.on('message', (data) => {
      const order = JSON.parse(String(data)) as Order;
      if (order.do !== 'deed') {
        world.obey(order);
        if (order.do === 'refuse') report({ is: 'done', id: order.id });
        return;
      }
      const { id, name: deed } = order;
      Promise.resolve(this.#deeds[deed]?.()).then(
        (told) => report({ is: 'done', id, told }),
        (error: unknown) => report({ is: 'done', id, failure: String(error) }),
      );
    });
    report({ is: 'here', url: `ws://${this.host}/${name}/call-api` });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = this.#url(request);
    const [, name = '', ...path] = pathname.split('/');
    // An empty page, for a browser to be of the same origin as the edge.
    if (pathname === '/') response.writeHead(200, { 'Content-Type': 'text/html' }).end();
    else if (path.join('/') !== 'v1/me') response.writeHead(404).end();
    else response.writeHead(this.#worlds.get(name)?.refuses || 200).end('{}');
  }

  #url({ url = '/' }: IncomingMessage): URL {
    return new URL(url, `http://${this.host}`);
  }
}

/** What one control socket rules. */
class World {
  /** The status that upgrades are answered with; 0 lets in. */
  refuses = 0;
  readonly #report: (what: Report) => void;
  readonly #sockets: WebSocket[] = [];

  constructor(report: (what: Report) => void) {
    this.#report = report;
  }

  accept(socket: WebSocket, { url = '', headers }: IncomingMessage): void {
    const n = this.#sockets.push(socket) - 1;
    const protocols = (headers['sec-websocket-protocol'] ?? '').split(', ').filter(Boolean);
    socket.on('message', (data) => this.#report({ is: 'frame', socket: n, text: String(data) }));
    socket.on('close', (code) => this.#report({ is: 'closed', socket: n, code }));
    this.#report({ is: 'socket', socket: n, path: url, protocols });
  }

  obey(order: Exclude<Order, { readonly do: 'deed' }>): void {
    if (order.do === 'refuse') {
      this.refuses = order.status;
      return;
    }
    const socket = this.#sockets[order.socket];
    if (order.do === 'cut') socket?.terminate();
    else if (order.do === 'close') socket?.close(order.code);
    else for (const text of order.frames) socket?.send(text);
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
