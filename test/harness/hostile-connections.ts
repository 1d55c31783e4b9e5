/** Connections that are made to take places from others: they never read, and end only when the other end does. @module */
import { connect, type Socket } from 'node:net';

export class HostileConnections implements Disposable {
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  /** How many upgrades were accepted (101), refused (any other status), or closed without a response. */
  readonly upgrades = { accepted: 0, refused: 0, dropped: 0 };

  constructor(port: number) {
    this.#port = port;
  }

  /** The number of connections that the other end has not ended. */
  get openCount(): number {
    return this.#sockets.size;
  }

  /** Opens TCP connections that send these bytes and nothing else, such as nothing or the begin of a request. */
  async openIdle(count: number, bytes = ''): Promise<void> {
    for (let n = 0; n < count; n++) {
      const socket = this.#open(bytes);
      await new Promise<void>((resolve) => {
        socket.once('connect', () => resolve());
        socket.once('close', () => resolve());
      });
      socket.pause();
    }
  }

  /**
   * Opens WebSockets of one session, so that each supersedes the one before, without ever answering a Close frame.
   * @param concurrency how many are opening at a time
   */
  async upgrade(key: string, count: number, concurrency: number): Promise<void> {
    let begun = 0;
    const openSome = async () => {
      while (begun++ < count) await this.#upgrade(key);
    };
    await Promise.all(Array.from({ length: concurrency }, openSome));
  }

  async #upgrade(key: string): Promise<void> {
    const socket = this.#open(
      'GET /call-api?session=same HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
        `Authorization: Bearer ${key}\r\n\r\n`,
    );
    const outcome = await new Promise<keyof HostileConnections['upgrades']>((resolve) => {
      socket.once('data', (head: Buffer) =>
        resolve(head.toString('latin1').startsWith('HTTP/1.1 101') ? 'accepted' : 'refused'),
      );
      socket.once('close', () => resolve('dropped'));
    });
    this.upgrades[outcome] += 1;
    if (outcome === 'accepted') socket.pause();
    else socket.destroy();
  }

  #open(bytes: string): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true });
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // 'close' follows.
    socket.on('error', () => {});
    socket.write(bytes);
    return socket;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
