/** A JSON-RPC client of the Worker under test. @module */
import { openSocket, type TestSocket } from './sockets.ts';

export interface ClientResponse {
  readonly id: unknown;
  readonly result?: {
    readonly cmd_id: string;
    readonly event: string;
    readonly replayed?: boolean;
    readonly expires?: string;
  };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface CommandNotification {
  readonly cmd_id: string;
  readonly event: string;
  readonly data?: unknown;
  readonly error?: { readonly code: number };
  readonly seq: number;
}

export class Client {
  readonly socket: TestSocket;
  #id = 0;

  constructor(socket: TestSocket) {
    this.socket = socket;
  }

  static async connect(query = ''): Promise<Client> {
    return new Client(await openSocket(`/call-api${query}`));
  }

  /** Sends a request and returns its response, which is the next message. */
  request(method: string, params?: unknown): Promise<ClientResponse> {
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method, params }));
    return this.socket.next<ClientResponse>();
  }

  /**
   * Runs a command that is stored and fails at once: a CallEnd of a call that does not exist. Returns its notifications, `Error` and
   * `Ended`. An adapter with `scenarios.endNotFound` must be connected.
   */
  async runStored(params: object = {}): Promise<CommandNotification[]> {
    await this.request('CallEnd', { callid: 'none', ...params });
    return this.untilEnded();
  }

  /** Returns all notifications up to and including `Ended`. */
  async untilEnded(): Promise<CommandNotification[]> {
    const notifications: CommandNotification[] = [];
    while (notifications.at(-1)?.event !== 'Ended') {
      const { params } = await this.socket.next<{ params: CommandNotification }>();
      notifications.push(params);
    }
    return notifications;
  }
}
