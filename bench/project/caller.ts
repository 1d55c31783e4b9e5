/** A client of the Call API that does no more than it must, so that it is not what is measured. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A command under way. */
interface Run {
  /** The call that a CallStart has brought about. */
  callid: string | undefined;
  /** What was told as an `Error`. */
  error: string | undefined;
  readonly resolve: (callid: string | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** What comes: an answer to a request, or a notification of a command. */
interface Message {
  readonly id?: number;
  readonly result?: { readonly cmd_id: string };
  readonly error?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly cmd_id: string;
    readonly event: string;
    readonly data?: { readonly callid?: string };
  };
}

export class Caller implements Disposable {
  readonly #socket: WebSocket;
  readonly #asked = new Map<number, Run>();
  readonly #running = new Map<string, Run>();
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (bytes) => {
      const message = JSON.parse(bytes.toString()) as Message | readonly Message[];
      if (Array.isArray(message)) for (const each of message as readonly Message[]) this.#receive(each);
      else this.#receive(message as Message);
    });
  }

  static async connect(url: string): Promise<Caller> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    return new Caller(socket);
  }

  /** Runs a command; resolves at its `Ended` with the Call-ID that `CalleeAnswered` brought. Rejects where it failed. */
  run(method: string, params: object): Promise<string | undefined> {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { callid: undefined, error: undefined, resolve, reject });
    });
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #receive(message: Message): void {
    if (message.params) this.#told(message.params, message);
    else if (message.id !== undefined) this.#answered(message.id, message);
  }

  #answered(id: number, { result, error }: Message): void {
    const run = this.#asked.get(id);
    if (!run) return;
    this.#asked.delete(id);
    if (result) this.#running.set(result.cmd_id, run);
    else run.reject(new Error(`refused: ${JSON.stringify(error)}`));
  }

  #told({ cmd_id, event, data }: NonNullable<Message['params']>, message: Message): void {
    const run = this.#running.get(cmd_id);
    if (!run) return;
    if (event === 'CalleeAnswered') run.callid = data?.callid;
    if (event === 'Error') run.error = JSON.stringify(message);
    if (event !== 'Ended') return;
    this.#running.delete(cmd_id);
    if (run.error === undefined) run.resolve(run.callid);
    else run.reject(new Error(`failed: ${run.error}`));
  }
}
