/**
 * A proxy between the two ends of a WebSocket. It handles bytes, not frames: TCP loses no bytes, but a connection can
 * be reset, stall or be slow, also in the middle of a frame.
 * @module
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Towards the server, or from it. */
export type Direction = 'up' | 'down';

/** A connection through the proxy. */
interface ProxiedConnection {
  readonly client: Socket;
  readonly server: Socket;
  readonly stalled: Set<Direction>;
}

export class WebSocketProxy implements AsyncDisposable {
  /** The additional delay of all bytes. */
  delayMs = 0;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #connections = new Set<ProxiedConnection>();
  #isRefusing = false;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** @param targetPort TCP port on loopback */
  static async start(targetPort: number): Promise<WebSocketProxy> {
    const proxy = new WebSocketProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  resetConnections(): void {
    for (const connection of [...this.#connections]) this.#reset(connection);
  }

  /** Resets every connection, and each new one until {@link acceptConnections}. */
  refuseConnections(): void {
    this.#isRefusing = true;
    this.resetConnections();
  }

  acceptConnections(): void {
    this.#isRefusing = false;
  }

  /** Passes nothing in these directions any more, while both ends remain connected. */
  stall(...directions: readonly Direction[]): void {
    for (const connection of this.#connections)
      for (const direction of directions) connection.stalled.add(direction);
  }

  /** Passes the bytes that were held back while the connection was stalled, as TCP does by retransmission. */
  resume(): void {
    for (const connection of this.#connections) {
      connection.stalled.clear();
      const { client, server } = connection;
      if (client.destroyed || server.destroyed) this.#reset(connection);
      if (client.readableEnded) server.end();
      if (server.readableEnded) client.end();
      client.resume();
      server.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuseConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const connection: ProxiedConnection = { client, server, stalled: new Set() };
    this.#connections.add(connection);
    this.#forward(connection, client, server, 'up');
    this.#forward(connection, server, client, 'down');
  }

  #forward(connection: ProxiedConnection, from: Socket, to: Socket, direction: Direction): void {
    const buffered: Buffer[] = [];
    const flush = () => {
      if (connection.stalled.has(direction)) return;
      for (const bytes of buffered.splice(0)) if (!to.destroyed) to.write(bytes);
    };
    from.on('data', (bytes) => {
      buffered.push(bytes);
      if (connection.stalled.has(direction)) from.pause();
      else if (this.delayMs > 0) setTimeout(flush, this.delayMs);
      else flush();
    });
    from.on('resume', flush);
    from.on('end', () => {
      if (!connection.stalled.has(direction)) to.end();
    });
    from.on('error', () => {});
    // A stalled direction does not pass the end of the connection either.
    from.on('close', () => {
      if (!connection.stalled.has(direction)) this.#reset(connection);
    });
  }

  #reset(connection: ProxiedConnection): void {
    if (!this.#connections.delete(connection)) return;
    for (const socket of [connection.client, connection.server]) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}
