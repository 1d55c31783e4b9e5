/** MI over UDP with nothing around it: one socket, replies found by their id. @module */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { messageId } from './message-id.ts';

/** Where MI listens. */
export interface MiAddress {
  readonly host: string;
  readonly port: number;
}

/** Room for replies while the bench is busy, in bytes. The system may grant less. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

export class Mi implements Disposable {
  readonly #socket: Socket;
  readonly #asked = new Map<string, (reply: string) => void>();
  #id = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes) => {
      const reply = bytes.toString();
      const id = messageId(reply);
      this.#asked.get(id)?.(reply);
      this.#asked.delete(id);
    });
  }

  static async connect({ host, port }: MiAddress): Promise<Mi> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER });
    socket.connect(port, host);
    await once(socket, 'connect');
    return new Mi(socket);
  }

  /** Sends a request; resolves with the reply as it came. One that is lost never resolves. */
  ask(method: string, params?: object): Promise<string> {
    const id = `b${++this.#id}`;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve) => this.#asked.set(id, resolve));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
