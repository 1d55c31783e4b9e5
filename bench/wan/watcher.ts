/** A client that watches all calls, and only counts what it gets, so that a hundred of them cost the benchmark little. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export class CountingWatcher {
  readonly #socket: WebSocket;
  /** Changes of calls that have arrived. */
  changes = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (bytes) => this.#onFrame(bytes.toString()));
    socket.on('error', () => {});
  }

  /** Connects, and watches. It proves what it reads, so that the edge does not take it for one that does not. */
  static async connect(url: string): Promise<CountingWatcher> {
    const socket = new WebSocket(`${url}?ack=1`, { perMessageDeflate: false });
    await once(socket, 'open');
    const watcher = new CountingWatcher(socket);
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallWatch', params: {} }));
    await once(socket, 'message');
    return watcher;
  }

  get isConnected(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  close(): void {
    this.#socket.terminate();
  }

  #onFrame(text: string): void {
    this.changes += text.split('"method":"Call"').length - 1;
    if (!text.includes('"Acknowledge"')) return;
    for (const message of [JSON.parse(text) as Message | Message[]].flat())
      if (message.method === 'Acknowledge') {
        const { token } = message.params;
        this.#socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'Acknowledge', params: { token } }));
      }
  }
}

interface Message {
  readonly method: string;
  readonly params: { readonly token: string };
}
