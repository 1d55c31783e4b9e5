/** A board as a watcher keeps one: the snapshot, and every change upon it. @module */
import type { Call } from '../../shared/calls.ts';

export interface Change {
  readonly event: string;
  readonly seq: number;
  readonly call: Call;
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: unknown;
  readonly method?: string;
  readonly params?: Change;
}

export class Board {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (message: Message) => void>();
  #id = 0;
  /** By Call-ID, as last told. */
  readonly calls = new Map<string, Call>();
  /** What was told of calls, in the order of its coming. */
  readonly changes: Change[] = [];
  /** The last number that was told. */
  seq = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Message | Message[];
      for (const message of [frame].flat()) this.#hear(message);
    });
  }

  /** Connects and watches all calls. */
  static async connect(url: string, params: object = {}): Promise<Board> {
    const socket = new WebSocket(url);
    const board = new Board(socket);
    await new Promise<void>((opened, failed) => {
      socket.addEventListener('open', () => opened());
      socket.addEventListener('error', () => failed(new Error(`no WebSocket at ${url}`)));
    });
    const { calls, seq } = await board.ask<{ calls: Call[]; seq: number }>('CallWatch', params);
    for (const call of calls) board.calls.set(call.callid, call);
    board.seq = Math.max(board.seq, seq);
    return board;
  }

  /** Asks, and throws where it is refused. */
  ask<T>(method: string, params: object): Promise<T> {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve, reject) =>
      this.#answers.set(id, ({ result, error }) =>
        error === undefined ? resolve(result as T) : reject(new Error(JSON.stringify(error))),
      ),
    );
  }

  /** Names of the events of a call, in order. */
  told(callid: string): string[] {
    return this.changes.filter(({ call }) => call.callid === callid).map(({ event }) => event);
  }

  /** Call-IDs of those that stand, sorted. */
  standing(): string[] {
    return [...this.calls.values()]
      .filter(({ state }) => state !== 'ended')
      .map(({ callid }) => callid)
      .sort();
  }

  close(): void {
    this.#socket.close();
  }

  #hear(message: Message): void {
    if (message.id !== undefined) this.#answers.get(message.id)?.(message);
    if (message.method !== 'Call' || !message.params) return;
    const { seq, call } = message.params;
    this.seq = Math.max(this.seq, seq);
    this.changes.push(message.params);
    this.calls.set(call.callid, call);
  }
}
