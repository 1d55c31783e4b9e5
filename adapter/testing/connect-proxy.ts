/** An HTTP proxy for tests: opens tunnels with CONNECT, and can be made to refuse, hang or close. @module */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export class ConnectProxy {
  /** The targets of all CONNECT requests, in order. */
  readonly targets: string[] = [];
  /** What all requests said of themselves, to show what the proxy can read. */
  readonly readable: string[] = [];
  /** `user:password`; undefined: none are required. */
  credentials: string | undefined;
  /** The HTTP status of every answer, or what happens instead of one. */
  behavior: 'tunnel' | 'hang' | 'close' | number = 'tunnel';
  readonly #server = createServer((_, response) => void response.writeHead(400).end());
  readonly #sockets = new Set<Socket>();
  readonly #targetPort: number;

  /** @param targetPort where every tunnel ends, on loopback: so that host names need not be resolved */
  static async start(targetPort: number): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('connect', (request, socket) => this.#onConnect(request, socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open, tunnels or not. */
  get openCount(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #onConnect({ url = '', headers }: IncomingMessage, socket: Duplex): void {
    this.targets.push(url);
    socket.on('error', () => {});
    // Only a socket that is read notices its end.
    if (this.behavior === 'hang') socket.on('end', () => socket.destroy()).resume();
    else if (this.behavior === 'close') socket.destroy();
    else if (this.behavior !== 'tunnel') answer(socket, this.behavior);
    else if (!this.#isAuthorized(headers['proxy-authorization'])) answer(socket, 407);
    else this.#tunnel(socket);
  }

  #isAuthorized(header: string | undefined): boolean {
    const { credentials } = this;
    return credentials === undefined || header === `Basic ${Buffer.from(credentials).toString('base64')}`;
  }

  #tunnel(socket: Duplex): void {
    const target = connect(this.#targetPort, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => this.readable.push(chunk.toString('latin1')));
    target.on('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => answer(socket, 502));
    target.on('close', () => socket.destroy());
    socket.on('close', () => target.destroy());
  }
}

function answer(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
}
