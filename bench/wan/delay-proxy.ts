/** A TCP proxy that behaves as a network: see {@link DelaySchedule}. It delays all bytes, from the first ones on. @module */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { DelaySchedule, type Network } from './delay-schedule.ts';

export class DelayProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(targetPort: number, network: Network, random: () => number) {
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
      const server = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      this.#forward(client, server, new DelaySchedule(network, random));
      this.#forward(server, client, new DelaySchedule(network, random));
    });
  }

  /**
   * @param targetPort TCP port on loopback
   * @param random returns a number from 0 to below 1
   */
  static async start(targetPort: number, network: Network, random: () => number): Promise<DelayProxy> {
    const proxy = new DelayProxy(targetPort, network, random);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Passes on the bytes of one direction, and then its end. */
  #forward(from: Socket, to: Socket, schedule: DelaySchedule): void {
    this.#sockets.add(from);
    // Timers of different delays do not fire in order, but each one only says that the oldest entry is due.
    const queue: (() => void)[] = [];
    const after = (bytes: number, act: () => void) => {
      const now = performance.now();
      queue.push(act);
      setTimeout(() => queue.shift()?.(), Math.ceil(schedule.arrivalOf(bytes, now) - now));
    };
    from.on('data', (bytes) => after(bytes.length, () => void (to.destroyed || to.write(bytes))));
    from.on('end', () => after(0, () => void to.end()));
    // A reset by either end. The other one notices it when its bytes would have arrived.
    from.on('error', () => after(0, () => void to.destroy()));
    from.on('close', () => this.#sockets.delete(from));
  }
}
