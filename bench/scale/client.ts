/** A client that costs little itself, so that what is measured is the edge. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** How a command went. */
export interface Course {
  readonly cmdId: string;
  /** The last Call-ID that it told of: the call's that stands. */
  readonly callid: string | undefined;
  /** Its Error, or why it was refused. */
  readonly error: string | undefined;
}

interface Waiting {
  /** The event that is waited for; a command that ends without it is settled too. */
  readonly event: string;
  readonly settle: (course: Course) => void;
  readonly fail: (reason: Error) => void;
  callid?: string;
  error?: string;
}

interface Message {
  readonly id?: number;
  readonly result?: { readonly cmd_id: string };
  readonly error?: { readonly message: string };
  readonly params?: {
    readonly cmd_id: string;
    readonly event: string;
    readonly data?: { readonly callid?: string } | string;
  };
}

export class Client {
  readonly #socket: WebSocket;
  readonly #asked = new Map<number, Waiting>();
  readonly #running = new Map<string, Waiting>();
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#hear(JSON.parse(data.toString()) as Message));
    socket.on('error', () => {});
    socket.on('close', (code) => {
      const reason = new Error(`the socket closed (${code}) while commands ran`);
      for (const { fail } of [...this.#asked.values(), ...this.#running.values()]) fail(reason);
    });
  }

  static async connect(url: string): Promise<Client> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    return new Client(socket);
  }

  /** Runs a command until it tells `event`, or ends. Rejects where the socket closes before. */
  run(method: string, params: object, event = 'Ended'): Promise<Course> {
    const id = ++this.#id;
    return new Promise((settle, fail) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        fail(new Error('the socket is closed'));
        return;
      }
      this.#asked.set(id, { event, settle, fail });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** Nothing more is heard of what still runs. */
  close(): void {
    this.#asked.clear();
    this.#running.clear();
    this.#socket.terminate();
  }

  #hear({ id, result, error, params }: Message): void {
    if (params) {
      this.#told(params);
      return;
    }
    const waiting = this.#asked.get(Number(id));
    this.#asked.delete(Number(id));
    if (waiting && result) this.#running.set(result.cmd_id, waiting);
    else waiting?.settle({ cmdId: '', callid: undefined, error: error?.message ?? 'refused' });
  }

  #told({ cmd_id: cmdId, event, data }: NonNullable<Message['params']>): void {
    const waiting = this.#running.get(cmdId);
    if (!waiting) return;
    if (event === 'Error') waiting.error = String(data);
    else if (typeof data === 'object' && data.callid) waiting.callid = data.callid;
    if (event !== waiting.event && event !== 'Ended') return;
    this.#running.delete(cmdId);
    waiting.settle({ cmdId, callid: waiting.callid, error: waiting.error });
  }
}
