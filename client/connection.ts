/**
 * A client's connection that comes back by itself: what was asked is asked again under the same `cmd_id`, what was
 * missed is told in order, and what cannot be known is said to be unknown. It knows nothing of pages.
 * @module
 */
import { Backoff } from './backoff.ts';
import { type Answered, type Notice, type RpcFailure, readFrame, unanswered } from './frames.ts';
import { Running } from './running.ts';
import { type Watcher, Watching } from './watching.ts';

/** How it stands. */
export type ConnectionState =
  | { readonly is: 'connecting'; readonly attempt: number }
  | { readonly is: 'open' }
  /** Between two attempts; `until` is in Unix milliseconds. */
  | { readonly is: 'waiting'; readonly attempt: number; readonly until: number }
  | { readonly is: 'closed'; readonly why: 'asked' | 'unauthorized' | 'superseded' };

/** What it needs of a WebSocket. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  onclose: ((close: { readonly code: number }) => void) | null;
  send(text: string): void;
  close(): void;
}

/** The world outside. */
export interface Surroundings {
  readonly open: (url: string, protocols: readonly string[]) => Socket;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Calls back after so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** At least 0, below 1. */
  readonly random: () => number;
  /** A name that nobody else has, of letters and digits. */
  readonly name: () => string;
}

export interface ConnectionOptions {
  /** Such as `wss://calls.example.com/call-api`. */
  readonly url: string;
  readonly token?: string;
  readonly onState: (state: ConnectionState) => void;
}

/** Nothing heard for so long: the other side is asked whether it is there. */
export const QUIET_MS = 10_000;
/** And if then nothing comes for so long, the socket is dead, whatever the system says of it. */
export const PATIENCE_MS = 5_000;
/** What the platform answers without waking anybody: `PING` and `PONG` of `shared/link.ts`. */
export const PING = 'ping';
export const PONG = 'pong';

/** As the edge closes sockets: docs/protocol.md. */
const CLOSED: Readonly<Record<number, 'unauthorized' | 'superseded'>> = {
  4401: 'unauthorized',
  4408: 'superseded',
};

interface Asked {
  readonly text: string;
  readonly answered: Answered;
  /** Once: commands and the watch ask for themselves when the next socket opens. */
  readonly isOnce: boolean;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #outside: Surroundings;
  readonly #backoff: Backoff;
  readonly #running: Running;
  readonly #watching: Watching;
  readonly #asked = new Map<string, Asked>();
  #session: string;
  /** The last notification of a command that this session has got. */
  #since: number | undefined;
  #socket: Socket | undefined;
  #isOpen = false;
  #cancelTimer = () => {};
  #ids = 0;

  constructor(options: ConnectionOptions, outside: Surroundings) {
    this.#options = options;
    this.#outside = outside;
    this.#backoff = new Backoff(outside.random);
    this.#running = new Running(outside.now);
    this.#watching = new Watching((method, params, answered) =>
      this.#request(method, params, answered, true),
    );
    this.#session = outside.name();
  }

  /** Connects, and does so again whenever the socket is lost, until {@link close}. */
  connect(): void {
    const { url, token, onState } = this.#options;
    this.#drop();
    onState({ is: 'connecting', attempt: this.#backoff.attempts });
    // A session that has heard nothing has no place to go on from: a new one is told all that it asks for again.
    if (this.#since === undefined) this.#session = this.#outside.name();
    const since = this.#since === undefined ? '' : `&since=${this.#since}`;
    const protocols = token === undefined ? [] : ['call-api.v1', `call-api.token.${token}`];
    const socket = this.#outside.open(`${url}?session=${this.#session}${since}`, protocols);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#heard(String(data));
    socket.onclose = ({ code }) => this.#lost(code);
    this.#cancelTimer = this.#outside.after(QUIET_MS, () => this.#lost());
  }

  /** Does not wait for the next attempt: the network is back, or somebody asks for it. */
  retryNow(): void {
    if (this.#isOpen) {
      this.#probe();
      return;
    }
    this.#forgetOnces();
    this.connect();
  }

  /** For good. What has no answer yet is told that none will come. */
  close(why: 'asked' | 'unauthorized' | 'superseded' = 'asked'): void {
    this.#drop();
    this.#running.lose();
    this.#forgetOnces();
    for (const { answered } of this.#asked.values()) answered({ error: unanswered });
    this.#asked.clear();
    this.#options.onState({ is: 'closed', why });
  }

  /** Asks something that changes nothing; it may be asked again after a break. */
  ask(method: string, params: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answered: Answered = ({ result, error }) => (error ? reject(error) : resolve(result));
      this.#request(method, params, answered, false);
    });
  }

  /**
   * Runs a command.
   * @param on is told all of it in order; `Started` or `Refused` first, `Ended` or `Lost` last
   * @return its `cmd_id`
   */
  run(method: string, params: object, on: (notice: Notice) => void): string {
    const cmdId = this.#outside.name();
    this.#running.add(cmdId, { method, params: { ...params, cmd_id: cmdId }, on });
    if (this.#isOpen) this.#askToRun(cmdId);
    return cmdId;
  }

  /** Watches all calls of the site from now on, across breaks. */
  watch(watcher: Watcher): void {
    this.#watching.begin(watcher);
    if (this.#isOpen) this.#watching.ask();
  }

  #askToRun(cmdId: string): void {
    const command = this.#running.get(cmdId);
    if (!command) return;
    this.#request(command.method, command.params, (answer) => this.#running.answered(cmdId, answer), true);
  }

  #request(method: string, params: object, answered: Answered, isOnce: boolean): void {
    const id = String(++this.#ids);
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    this.#asked.set(id, { text, answered, isOnce });
    if (this.#isOpen) this.#socket?.send(text);
  }

  #opened(): void {
    this.#isOpen = true;
    this.#listen();
    this.#options.onState({ is: 'open' });
    for (const { text } of this.#asked.values()) this.#socket?.send(text);
    for (const cmdId of this.#running.toAsk(this.#since === undefined)) this.#askToRun(cmdId);
    this.#watching.ask();
  }

  #heard(text: string): void {
    this.#listen();
    // Not when it opens: an edge that lets in and throws out again must not be asked ever faster.
    this.#backoff.reset();
    if (text === PONG) return;
    for (const message of readFrame(text)) {
      if (message.is === 'answer') {
        const asked = this.#asked.get(message.id);
        this.#asked.delete(message.id);
        asked?.answered(message);
      } else if (message.method === 'SessionReset') this.#startOver();
      else if (message.method === 'Call' || message.method === 'Link') this.#watching.told(message);
      else {
        const { seq } = message.params;
        if (typeof seq === 'number') this.#since = Math.max(this.#since ?? 0, seq);
        this.#running.told(message.params);
      }
    }
  }

  /** What this session missed is no longer kept: what runs is asked for anew, by a session that knows nothing. */
  #startOver(): void {
    this.#since = undefined;
    this.#forgetOnces();
    this.connect();
  }

  /** A frame has come: the other side is there, for now. */
  #listen(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#outside.after(QUIET_MS, () => this.#probe());
  }

  #probe(): void {
    this.#cancelTimer();
    this.#socket?.send(PING);
    this.#cancelTimer = this.#outside.after(PATIENCE_MS, () => this.#lost());
  }

  #lost(code?: number): void {
    this.#drop();
    const why = code === undefined ? undefined : CLOSED[code];
    if (why) {
      this.close(why);
      return;
    }
    this.#forgetOnces();
    const wait = this.#backoff.next();
    const until = this.#outside.now() + wait;
    this.#options.onState({ is: 'waiting', attempt: this.#backoff.attempts, until });
    this.#cancelTimer = this.#outside.after(wait, () => this.connect());
  }

  #forgetOnces(): void {
    for (const [id, { isOnce }] of this.#asked) if (isOnce) this.#asked.delete(id);
  }

  /** Lets go of the socket without waiting for its close, which on a dead network takes minutes. */
  #drop(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    this.#isOpen = false;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

export type { Notice, RpcFailure };
