/** A minimal MI client: one UDP socket, replies matched to requests by their id. @module */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { messageId } from './message-id.ts';

/** The address of an MI listener. */
export interface MiAddress {
  readonly host: string;
  readonly port: number;
}

/** Buffer for replies that arrive while the benchmark is busy. The system may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export class MiClient implements Disposable {
  readonly #socket: Socket;
  readonly #pending = new Map<string, (reply: string) => void>();
  #lastId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes) => {
      const reply = bytes.toString();
      const id = messageId(reply);
      this.#pending.get(id)?.(reply);
      this.#pending.delete(id);
    });
  }

  static async connect({ host, port }: MiAddress): Promise<MiClient> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
    socket.connect(port, host);
    await once(socket, 'connect');
    return new MiClient(socket);
  }

  /** Sends a request. Resolves with the text of the reply, or never if a datagram is lost. */
  request(method: string, params?: object): Promise<string> {
    const id = `b${++this.#lastId}`;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve) => this.#pending.set(id, resolve));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
