/** A client that watches all calls: it keeps the snapshot and applies every change to it. @module */
import type { Call } from '../../shared/calls/call.ts';

export interface CallChange {
  readonly event: string;
  readonly seq: number;
  readonly call: Call;
}

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: unknown;
  readonly method?: string;
  readonly params?: CallChange;
}

export class CallWatcher {
  readonly #socket: WebSocket;
  readonly #pendingRequests = new Map<number, (message: Message) => void>();
  #lastRequestId = 0;
  /** The current state of each call, by Call-ID. */
  readonly calls = new Map<string, Call>();
  /** All changes, in the order of arrival. */
  readonly changes: CallChange[] = [];
  /** Receives each change as it arrives. */
  onChange: ((change: CallChange) => void) | undefined;
  /** The highest `seq` so far. */
  seq = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Message | Message[];
      for (const message of [frame].flat()) this.#onMessage(message);
    });
  }

  /** Connects and watches all calls. */
  static async connect(url: string, params: object = {}): Promise<CallWatcher> {
    const socket = new WebSocket(url);
    const watcher = new CallWatcher(socket);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error(`no WebSocket at ${url}`)));
    });
    const { calls, seq } = await watcher.request<{ calls: Call[]; seq: number }>('CallWatch', params);
    for (const call of calls) watcher.calls.set(call.callid, call);
    watcher.seq = Math.max(watcher.seq, seq);
    return watcher;
  }

  /** Sends a request and resolves with its result. Rejects if the response is an error. */
  request<T>(method: string, params: object): Promise<T> {
    const id = ++this.#lastRequestId;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve, reject) =>
      this.#pendingRequests.set(id, ({ result, error }) =>
        error === undefined ? resolve(result as T) : reject(new Error(JSON.stringify(error))),
      ),
    );
  }

  /** Returns the names of a call's events, in order. */
  eventNamesOf(callid: string): string[] {
    return this.changes.filter(({ call }) => call.callid === callid).map(({ event }) => event);
  }

  /** Returns the Call-IDs of the active calls, sorted. */
  activeCallids(): string[] {
    return [...this.calls.values()]
      .filter(({ state }) => state !== 'ended')
      .map(({ callid }) => callid)
      .sort();
  }

  close(): void {
    this.#socket.close();
  }

  #onMessage(message: Message): void {
    if (message.id !== undefined) this.#pendingRequests.get(message.id)?.(message);
    if (message.method !== 'Call' || !message.params) return;
    const { seq, call } = message.params;
    this.seq = Math.max(this.seq, seq);
    this.changes.push(message.params);
    this.calls.set(call.callid, call);
    this.onChange?.(message.params);
  }
}
