/**
 * Stands between two ends of a WebSocket. It knows nothing of frames: TCP loses none of them, it is cut, stalls or
 * is slow, in the middle of one as well.
 * @module
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Towards the server, or from it. */
export type Direction = 'up' | 'down';

/** A connection through the proxy. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly stalled: Set<Direction>;
}

export class WebSocketProxy implements AsyncDisposable {
  /** Milliseconds that all bytes take longer. */
  delayMs = 0;
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #refuses = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** @param target TCP port of loopback */
  static async start(target: number): Promise<WebSocketProxy> {
    const proxy = new WebSocketProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** How many connections stand. */
  get size(): number {
    return this.#pairs.size;
  }

  /** Resets every connection. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#destroy(pair);
  }

  /** Resets every connection, and each new one, until {@link letIn}. */
  keepOut(): void {
    this.#refuses = true;
    this.cut();
  }

  letIn(): void {
    this.#refuses = false;
  }

  /** Nothing comes through any more in these directions, while both ends think that they are connected. */
  stall(...directions: readonly Direction[]): void {
    for (const pair of this.#pairs) for (const direction of directions) pair.stalled.add(direction);
  }

  /** What was held back comes through: TCP sends it again. */
  heal(): void {
    for (const pair of this.#pairs) {
      pair.stalled.clear();
      const { client, server } = pair;
      if (client.destroyed || server.destroyed) this.#destroy(pair);
      if (client.readableEnded) server.end();
      if (server.readableEnded) client.end();
      client.resume();
      server.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.keepOut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#refuses) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const pair: Pair = { client, server, stalled: new Set() };
    this.#pairs.add(pair);
    this.#forward(pair, client, server, 'up');
    this.#forward(pair, server, client, 'down');
  }

  #forward(pair: Pair, from: Socket, to: Socket, direction: Direction): void {
    const held: Buffer[] = [];
    const release = () => {
      if (pair.stalled.has(direction)) return;
      for (const bytes of held.splice(0)) if (!to.destroyed) to.write(bytes);
    };
    from.on('data', (bytes) => {
      held.push(bytes);
      if (pair.stalled.has(direction)) from.pause();
      else if (this.delayMs > 0) setTimeout(release, this.delayMs);
      else release();
    });
    from.on('resume', release);
    from.on('end', () => {
      if (!pair.stalled.has(direction)) to.end();
    });
    from.on('error', () => {});
    // Nor does it come through that the other end has died.
    from.on('close', () => {
      if (!pair.stalled.has(direction)) this.#destroy(pair);
    });
  }

  #destroy(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    for (const socket of [pair.client, pair.server]) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}
