/** A client of the baseline Worker: one WebSocket, replies matched to requests by their id. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { messageId } from '../message-id.ts';

export class BaselineClient implements Disposable {
  readonly #socket: WebSocket;
  readonly #name: string;
  readonly #pending = new Map<string, () => void>();
  #lastId = 0;

  private constructor(socket: WebSocket, name: string) {
    this.#socket = socket;
    this.#name = name;
    socket.on('message', (bytes) => {
      const id = messageId(bytes.toString());
      this.#pending.get(id)?.();
      this.#pending.delete(id);
    });
  }

  /** @param name unique among the clients of the same object: the ids of its requests start with it */
  static async connect(url: string, name: string): Promise<BaselineClient> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    return new BaselineClient(socket, name);
  }

  /** Sends an MI request as it is. Resolves when the reply has arrived. */
  request(): Promise<void> {
    const id = `${this.#name}.${++this.#lastId}`;
    this.#socket.send(`{"jsonrpc":"2.0","id":"${id}","method":"version"}`);
    return new Promise((resolve) => this.#pending.set(id, resolve));
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
