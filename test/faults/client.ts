/**
 * A client that comes back: it keeps its session, asks again what was not answered, drops what it has got already,
 * and writes everything down.
 * @module
 */
import { WebSocket } from 'ws';
import type { Answer, Told } from '../stack/client.ts';

/** Without an answer for so long the socket counts as dead, and another is opened. */
const SILENCE_MS = 2_500;
const HANDSHAKE_MS = 2_000;
const RECONNECT_MS = 100;
/** A command that came while no adapter was there is asked again after so long. */
const AGAIN_MS = 250;
const NO_ADAPTER = -32001;

/** A request that is not answered for good yet. */
interface Asked {
  readonly text: string;
  sentAt: number;
  readonly answered: (answer: Answer) => void;
}

export class ResumingClient {
  /** Every notification once, in the order of arrival. */
  readonly all: Told[] = [];
  /** What should not have happened, a sentence each. */
  readonly complaints: string[] = [];
  /** Connections that were opened, answers without an adapter, and notifications that came again. */
  readonly counts = { connections: 0, refused: 0, duplicates: 0 };
  readonly #url: string;
  readonly #session: string;
  readonly #asked = new Map<number, Asked>();
  readonly #told = new Map<string, Told[]>();
  readonly #waiters = new Set<() => void>();
  readonly #watch: NodeJS.Timeout;
  #socket: WebSocket | undefined;
  #id = 0;
  #closed = false;

  /** @param url where clients connect, without a query */
  constructor(url: string, session: string) {
    this.#url = url;
    this.#session = session;
    this.#watch = setInterval(() => this.#look(), 250);
    this.#connect();
  }

  /** The newest notification's number. */
  get last(): number {
    return this.all.at(-1)?.seq ?? 0;
  }

  /** Asks until it is answered, whatever happens to the socket; `cmd_id` in params makes that harmless. */
  async ask(method: string, params: object): Promise<Answer> {
    for (;;) {
      const id = ++this.#id;
      const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
      const answer = await new Promise<Answer>((answered) => {
        this.#asked.set(id, { text, sentAt: 0, answered });
        this.#send();
      });
      if (answer.error?.code !== NO_ADAPTER || this.#closed) return answer;
      this.counts.refused++;
      await new Promise((resume) => setTimeout(resume, AGAIN_MS));
    }
  }

  /** All that was told of a command so far. */
  told(cmdId: string): readonly Told[] {
    return this.#told.get(cmdId) ?? [];
  }

  /** Resolves when one of these events has been told of the command; false after so many milliseconds. */
  async heard(cmdId: string, names: readonly string[], withinMs: number): Promise<boolean> {
    const has = () => this.told(cmdId).some(({ event }) => names.includes(event));
    if (has()) return true;
    return new Promise((resolve) => {
      const settle = (heard: boolean) => {
        clearTimeout(timer);
        this.#waiters.delete(check);
        resolve(heard);
      };
      const check = () => {
        if (has()) settle(true);
      };
      const timer = setTimeout(() => settle(false), withinMs);
      this.#waiters.add(check);
    });
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
    this.#socket?.terminate();
    for (const { answered } of this.#asked.values()) answered({ id: null });
  }

  #connect(): void {
    if (this.#closed) return;
    for (const asked of this.#asked.values()) asked.sentAt = 0;
    const socket = new WebSocket(`${this.#url}?session=${this.#session}&since=${this.last}`, {
      handshakeTimeout: HANDSHAKE_MS,
    });
    this.#socket = socket;
    let newest = this.last;
    socket.on('open', () => {
      this.counts.connections++;
      this.#send();
    });
    socket.on('message', (data) => {
      if (socket === this.#socket) newest = this.#receive(data.toString(), newest);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (socket === this.#socket) setTimeout(() => this.#connect(), RECONNECT_MS);
    });
  }

  #send(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (const asked of this.#asked.values()) {
      if (asked.sentAt > 0) continue;
      asked.sentAt = Date.now();
      this.#socket.send(asked.text);
    }
  }

  /** Is the socket dead? TCP itself would take minutes to tell. */
  #look(): void {
    const since = Date.now() - SILENCE_MS;
    if (![...this.#asked.values()].some(({ sentAt }) => sentAt > 0 && sentAt < since)) return;
    const dead = this.#socket;
    this.#connect();
    dead?.terminate();
  }

  /** Returns the newest number on this connection. */
  #receive(text: string, newest: number): number {
    const message = JSON.parse(text) as Answer | { readonly method: string; readonly params: Told };
    if (!('params' in message)) {
      const asked = this.#asked.get(Number(message.id));
      this.#asked.delete(Number(message.id));
      asked?.answered(message);
      return newest;
    }
    const told = message.params;
    if (message.method === 'SessionReset') {
      this.complaints.push(`the session was reset: ${text}`);
      return newest;
    }
    if (told.seq <= newest) this.complaints.push(`seq ${told.seq} came after ${newest} on one connection`);
    if (told.seq <= this.last) {
      this.counts.duplicates++;
      return Math.max(newest, told.seq);
    }
    this.all.push(told);
    this.#told.set(told.cmd_id, [...this.told(told.cmd_id), told]);
    for (const check of this.#waiters) check();
    return told.seq;
  }
}

/** All that the edge has kept for a session, as one gets it who has got nothing yet. */
export async function replay(url: string, session: string): Promise<Told[]> {
  const socket = new WebSocket(`${url}?session=${session}&since=0`, { handshakeTimeout: HANDSHAKE_MS });
  const all: Told[] = [];
  try {
    await new Promise<void>((complete, failed) => {
      socket.on('error', failed);
      socket.on('close', () => failed(new Error('closed before the replay was complete')));
      // What was missed is sent before any answer, so an answer tells that it is complete.
      socket.on('open', () => socket.send('{"jsonrpc":"2.0","id":"complete","method":"Complete"}'));
      socket.on('message', (data) => {
        const message = JSON.parse(data.toString()) as Answer | { readonly params: Told };
        if ('params' in message) all.push(message.params);
        else complete();
      });
    });
    return all;
  } finally {
    socket.terminate();
  }
}
