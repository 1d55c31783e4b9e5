/** A client of the Worker under test that asks and waits. @module */
import { open, type TestSocket } from './sockets.ts';

export interface Answer {
  readonly id: unknown;
  readonly result?: {
    readonly cmd_id: string;
    readonly event: string;
    readonly replayed?: boolean;
    readonly expires?: string;
  };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface Told {
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
    return new Client(await open(`/call-api${query}`));
  }

  /** Sends a request and gives its answer, which comes before anything else. */
  ask(method: string, params?: unknown): Promise<Answer> {
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', id: ++this.#id, method, params }));
    return this.socket.next<Answer>();
  }

  /** What is told until `Ended`, that included. */
  async toEnd(): Promise<Told[]> {
    const all: Told[] = [];
    while (all.at(-1)?.event !== 'Ended') all.push((await this.socket.next<{ params: Told }>()).params);
    return all;
  }
}
