/** A minimal client of the Call API, so that the benchmarks measure the edge and not the client. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A command that has not ended. */
interface PendingCommand {
  /** The Call-ID of the call that a CallStart has set up. */
  callid: string | undefined;
  /** The text of the command's `Error` event. */
  error: string | undefined;
  readonly resolve: (callid: string | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** A response to a request, or a notification of a command. */
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

export class CallApiClient implements Disposable {
  readonly #socket: WebSocket;
  /** By request id, until the response arrives. */
  readonly #requested = new Map<number, PendingCommand>();
  /** By `cmd_id`, until the command ends. */
  readonly #running = new Map<string, PendingCommand>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (bytes) => {
      const frame = JSON.parse(bytes.toString()) as Message | readonly Message[];
      if (Array.isArray(frame)) for (const message of frame as readonly Message[]) this.#onMessage(message);
      else this.#onMessage(frame as Message);
    });
  }

  static async connect(url: string): Promise<CallApiClient> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    return new CallApiClient(socket);
  }

  /** Runs a command. Resolves at its `Ended` with the Call-ID of its `CalleeAnswered`, or rejects if the command failed. */
  run(method: string, params: object): Promise<string | undefined> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve, reject) => {
      this.#requested.set(id, { callid: undefined, error: undefined, resolve, reject });
    });
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #onMessage(message: Message): void {
    if (message.params) this.#onNotification(message.params, message);
    else if (message.id !== undefined) this.#onResponse(message.id, message);
  }

  #onResponse(id: number, { result, error }: Message): void {
    const command = this.#requested.get(id);
    if (!command) return;
    this.#requested.delete(id);
    if (result) this.#running.set(result.cmd_id, command);
    else command.reject(new Error(`refused: ${JSON.stringify(error)}`));
  }

  #onNotification({ cmd_id, event, data }: NonNullable<Message['params']>, message: Message): void {
    const command = this.#running.get(cmd_id);
    if (!command) return;
    if (event === 'CalleeAnswered') command.callid = data?.callid;
    if (event === 'Error') command.error = JSON.stringify(message);
    if (event !== 'Ended') return;
    this.#running.delete(cmd_id);
    if (command.error === undefined) command.resolve(command.callid);
    else command.reject(new Error(`failed: ${command.error}`));
  }
}
