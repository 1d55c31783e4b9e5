/** A client of the floor: one WebSocket, a reply found by its id. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { messageId } from '../message-id.ts';

export class Line implements Disposable {
  readonly #socket: WebSocket;
  readonly #prefix: string;
  readonly #asked = new Map<string, () => void>();
  #id = 0;

  private constructor(socket: WebSocket, prefix: string) {
    this.#socket = socket;
    this.#prefix = prefix;
    socket.on('message', (bytes) => {
      const id = messageId(bytes.toString());
      this.#asked.get(id)?.();
      this.#asked.delete(id);
    });
  }

  /** `name` is not any other line's of the same object. */
  static async connect(url: string, name: string): Promise<Line> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    return new Line(socket, name);
  }

  /** Sends a bare MI request; resolves when what answers it has come. */
  ask(): Promise<void> {
    const id = `${this.#prefix}.${++this.#id}`;
    this.#socket.send(`{"jsonrpc":"2.0","id":"${id}","method":"version"}`);
    return new Promise((resolve) => this.#asked.set(id, resolve));
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
