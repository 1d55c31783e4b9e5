/** A client of the Call API with little overhead, so that the edge is measured and not the client. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** How a command ended. */
export interface CommandResult {
  readonly cmdId: string;
  /** The last Call-ID among its events: that of the established call. */
  readonly callid: string | undefined;
  /** The text of its `Error` event, or why the request was refused. */
  readonly error: string | undefined;
}

interface PendingCommand {
  /** The event to wait for. The end of the command resolves it in any case. */
  readonly event: string;
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (reason: Error) => void;
  callid?: string;
  error?: string;
}

interface Message {
  readonly id?: number;
  readonly result?: { readonly cmd_id: string };
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: {
    /** Only of `Acknowledge`. */
    readonly token?: string;
    readonly cmd_id: string;
    readonly event: string;
    readonly data?: { readonly callid?: string } | string;
  };
}

export class ScaleClient {
  readonly #socket: WebSocket;
  /** By request id, until the response arrives. */
  readonly #requested = new Map<number, PendingCommand>();
  /** By `cmd_id`, until the command is resolved. */
  readonly #running = new Map<string, PendingCommand>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (bytes) => this.#onMessage(JSON.parse(bytes.toString()) as Message));
    socket.on('error', () => {});
    socket.on('close', (code) => {
      const reason = new Error(`the socket closed (${code}) while commands were running`);
      for (const { reject } of [...this.#requested.values(), ...this.#running.values()]) reject(reason);
    });
  }

  /** The client proves what it reads, so that the edge sends as fast as it can. */
  static async connect(url: string): Promise<ScaleClient> {
    const proving = new URL(url);
    proving.searchParams.set('ack', '1');
    proving.searchParams.set('batch', '1');
    const socket = new WebSocket(proving, { perMessageDeflate: false });
    await once(socket, 'open');
    return new ScaleClient(socket);
  }

  /** Runs a command. Resolves at `event` or at its end, or rejects if the socket closes before. */
  run(method: string, params: object, event = 'Ended'): Promise<CommandResult> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        reject(new Error('the socket is closed'));
        return;
      }
      this.#requested.set(id, { event, resolve, reject });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** Closes the socket. Pending commands are neither resolved nor rejected. */
  close(): void {
    this.#requested.clear();
    this.#running.clear();
    this.#socket.terminate();
  }

  #onMessage({ id, result, error, method, params }: Message): void {
    if (params && method === 'Acknowledge') {
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', method, params: { token: params.token } }));
      return;
    }
    if (params) {
      this.#onNotification(params);
      return;
    }
    const command = this.#requested.get(Number(id));
    this.#requested.delete(Number(id));
    if (command && result) this.#running.set(result.cmd_id, command);
    else command?.resolve({ cmdId: '', callid: undefined, error: error?.message ?? 'refused' });
  }

  #onNotification({ cmd_id: cmdId, event, data }: NonNullable<Message['params']>): void {
    const command = this.#running.get(cmdId);
    if (!command) return;
    if (event === 'Error') command.error = String(data);
    else if (typeof data === 'object' && data.callid) command.callid = data.callid;
    if (event !== command.event && event !== 'Ended') return;
    this.#running.delete(cmdId);
    command.resolve({ cmdId, callid: command.callid, error: command.error });
  }
}
