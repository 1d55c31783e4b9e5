/**
 * A client's connection that comes back by itself: what was asked is asked again under the same `cmd_id`, what was
 * missed is told in order, and what cannot be known is said to be unknown. It knows nothing of pages.
 * @module
 */
import { whenAborted } from './abort.ts';
import { Backoff } from './backoff.ts';
import { type Answer, type Answered, type Closed, type Notice, readFrame, unsent } from './frames.ts';
import { Requests } from './requests.ts';
import { Running } from './running.ts';
import { type TokenSource, Tokens } from './tokens.ts';
import { type Watched, type Watcher, Watching } from './watching.ts';

/** How it stands. */
export type ConnectionState =
  | { readonly is: 'connecting'; readonly attempt: number }
  | { readonly is: 'open' }
  /** Between two attempts; `until` is in Unix milliseconds. */
  | { readonly is: 'waiting'; readonly attempt: number; readonly until: number }
  | { readonly is: 'closed'; readonly why: Closed };

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
  /** Asks the edge whether it would not let this token in. Without it, every failure is taken for a passing one. */
  readonly isRefused?: (url: string, token: string | undefined) => Promise<boolean>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Calls back after so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** At least 0, below 1. */
  readonly random: () => number;
  /** A name that nobody else has, of letters and digits. */
  readonly name: () => string;
}

export interface ConnectionOptions extends TokenSource {
  /** Such as `wss://calls.example.com/call-api`. */
  readonly url: string;
  /** What the names of its sessions begin with; random ones where not given. */
  readonly session?: string | undefined;
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
const closeCode = { unauthorized: 4401, superseded: 4408 } as const;
/** So many commands are asked for again together, and each further one so many milliseconds after the one before. */
const AT_ONCE = 50;
/** A session may send 50 messages a second, where its tenant has no other limit, and twice as many at once. */
const APART_MS = 25;
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #outside: Surroundings;
  readonly #backoff: Backoff;
  readonly #tokens: Tokens;
  readonly #running: Running;
  readonly #watchings = new Set<Watching>();
  readonly #requests: Requests;
  #session = '';
  /** The last notification of a command that this session has got. */
  #since: number | undefined;
  #socket: Socket | undefined;
  #isOpen = false;
  #closed: Closed | undefined;
  /** Rises with each: what comes of an earlier one is void. */
  #attempt = 0;
  #cancelTimer = () => {};

  constructor(options: ConnectionOptions, outside: Surroundings) {
    this.#options = options;
    this.#outside = outside;
    this.#backoff = new Backoff(outside.random);
    this.#tokens = new Tokens(options, outside);
    this.#running = new Running(outside.now);
    this.#requests = new Requests((text) => {
      if (this.#isOpen) this.#socket?.send(text);
      return this.#isOpen;
    }, outside);
  }

  /** A name that nobody else has. */
  name(): string {
    return this.#outside.name();
  }

  /** Connects, and does so again whenever the socket is lost, until {@link close}. */
  connect(): void {
    this.#drop();
    this.#closed = undefined;
    const attempt = this.#attempt;
    this.#options.onState({ is: 'connecting', attempt: this.#backoff.attempts });
    // Whoever is told may have closed it.
    if (attempt !== this.#attempt) return;
    const token = this.#tokens.take();
    if (!(token instanceof Promise)) this.#open(token);
    else
      token.then(
        (fresh) => attempt === this.#attempt && this.#open(fresh),
        () => attempt === this.#attempt && this.#lost(),
      );
  }

  /** Does not wait for the next attempt: the network is back, or somebody asks for it. */
  retryNow(): void {
    if (this.#isOpen) {
      this.#probe();
      return;
    }
    this.#requests.lost();
    this.connect();
  }

  /** For good. What has no answer yet is told that none will come. */
  close(why: Closed = 'asked'): void {
    if (this.#closed) return;
    this.#drop();
    this.#closed = why;
    this.#running.lose(why);
    this.#requests.end(why);
    for (const { watcher } of this.#watchings) watcher.closed?.(why);
    this.#options.onState({ is: 'closed', why });
  }

  /**
   * Asks.
   * @param isRepeatable it changes nothing, and is asked again after a break; anything else is then told to be unknown
   * @return the result; rejects with the answer's error
   */
  ask(method: string, params: object, isRepeatable = true, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let over = () => {};
      const answered: Answered = ({ result, error }) => {
        over();
        if (error) reject(error);
        else resolve(result);
      };
      if (signal?.aborted) throw signal.reason;
      const id = this.#request(method, params, answered, isRepeatable ? 'ask again' : 'fail');
      over = whenAborted(signal, () => {
        this.#requests.forget(id);
        reject(signal?.reason);
      });
    });
  }

  /**
   * Runs a command.
   * @param on is told all of it in order; `Started` or `Refused` first, `Ended` or `Lost` last
   * @return its `cmd_id`
   */
  run(
    method: string,
    params: object,
    on: (notice: Notice) => void,
    cmdId: string = this.#outside.name(),
  ): string {
    if (this.#closed) on({ event: 'Lost', error: unsent(this.#closed) });
    else if (this.#running.has(cmdId)) on({ event: 'Refused', error: TAKEN });
    else {
      this.#running.add(cmdId, { method, params: { ...params, cmd_id: cmdId }, on });
      if (this.#isOpen) this.#askToRun(cmdId);
    }
    return cmdId;
  }

  /** Nothing more of that command is told; it is not asked for again, but what has been sent runs on. */
  forget(cmdId: string): void {
    this.#running.forget(cmdId);
  }

  /** Watches calls from now on, across breaks, until what it returns is called. */
  watch(watcher: Watcher, watched: Watched = {}): () => void {
    const watching = new Watching(watcher, watched, (method, params, answered) => {
      this.#request(method, params, answered, 'forget');
    });
    if (this.#closed) watcher.closed?.(this.#closed);
    this.#watchings.add(watching);
    if (this.#isOpen) watching.ask();
    return () => this.#unwatch(watching);
  }

  #unwatch(watching: Watching): void {
    if (!this.#watchings.delete(watching)) return;
    watching.end();
    const { callid } = watching;
    const isWanted = [...this.#watchings].some((other) => other.callid === callid);
    if (this.#isOpen && !isWanted) this.#request('CallUnwatch', { callid }, () => {}, 'forget');
  }

  /** Many at once would be taken for a flood. */
  #askInTurn(n: number, cmdId: string): void {
    if (n < AT_ONCE) {
      this.#askToRun(cmdId);
      return;
    }
    const attempt = this.#attempt;
    this.#outside.after((n - AT_ONCE) * APART_MS, () => {
      if (attempt === this.#attempt && this.#isOpen) this.#askToRun(cmdId);
    });
  }

  #askToRun(cmdId: string): void {
    const sent = this.#running.send(cmdId);
    if (!sent) return;
    const answered = (answer: Answer) => this.#running.answered(cmdId, answer);
    this.#request(sent.method, sent.params, answered, 'forget', sent.isAgain);
  }

  #request(...[method, params, answered, ...how]: Parameters<Requests['add']>): string {
    if (!this.#closed) return this.#requests.add(method, params, answered, ...how);
    answered({ error: unsent(this.#closed) });
    return '';
  }

  #open(token: string | undefined): void {
    // A session that has heard nothing has no place to go on from: a new one is told all that it asks for again.
    if (this.#since === undefined) this.#session = this.#newSession();
    const url = new URL(this.#options.url);
    url.searchParams.set('session', this.#session);
    if (this.#since !== undefined) url.searchParams.set('since', String(this.#since));
    const protocols = token === undefined ? [] : ['call-api.v1', `call-api.token.${token}`];
    const socket = this.#outside.open(url.href, protocols);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#heard(String(data));
    socket.onclose = ({ code }) => this.#lost(code, token);
    this.#cancelTimer = this.#outside.after(QUIET_MS, () => this.#lost());
  }

  /** The first has the name that was asked for; each after it one that is new to the edge. */
  #newSession(): string {
    const { session } = this.#options;
    const fresh = this.#outside.name();
    if (session === undefined) return fresh;
    return this.#session === '' ? session : `${session}.${fresh.slice(0, 8)}`;
  }

  #opened(): void {
    this.#isOpen = true;
    this.#listen();
    this.#tokens.renew((token) => {
      // Where it is not taken, the edge closes the socket in time, and this one is what we come back with.
      this.#request('Authorize', { token }, () => {}, 'forget');
    });
    this.#requests.opened();
    for (const [n, cmdId] of this.#running.toAsk(this.#since === undefined).entries())
      this.#askInTurn(n, cmdId);
    for (const watching of this.#watchings) watching.ask();
    // Last: whoever asks for something more when told so has not asked for it twice.
    this.#options.onState({ is: 'open' });
  }

  #heard(text: string): void {
    this.#listen();
    // Not when it opens: an edge that lets in and throws out again must not be asked ever faster.
    this.#backoff.reset();
    this.#tokens.accepted();
    if (text === PONG) return;
    for (const message of readFrame(text)) {
      if (message.is === 'answer') this.#requests.answered(message.id, message);
      else if (message.method === 'SessionReset') this.#startOver();
      else if (message.method === 'Call' || message.method === 'Link')
        for (const watching of this.#watchings) watching.told(message);
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
    this.#requests.lost();
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

  #lost(code?: number, token?: string): void {
    const wasOpen = this.#isOpen;
    this.#drop();
    const isRefused = code === closeCode.unauthorized && !this.#tokens.refused();
    if (isRefused || code === closeCode.superseded) {
      this.close(isRefused ? 'unauthorized' : 'superseded');
      return;
    }
    this.#requests.lost();
    const wait = this.#backoff.next();
    const until = this.#outside.now() + wait;
    this.#cancelTimer = this.#outside.after(wait, () => this.connect());
    if (!wasOpen && code !== undefined) void this.#askWhetherRefused(token);
    // Last: whoever is told may close it.
    this.#options.onState({ is: 'waiting', attempt: this.#backoff.attempts, until });
  }

  /** It was closed before it opened: by the network, or by the edge. */
  async #askWhetherRefused(token: string | undefined): Promise<void> {
    const attempt = this.#attempt;
    const isRefused = await this.#outside.isRefused?.(this.#options.url, token).catch(() => false);
    if (isRefused && attempt === this.#attempt && !this.#tokens.refused()) this.close('unauthorized');
  }

  /** Lets go of the socket without waiting for its close, which on a dead network takes minutes. */
  #drop(): void {
    this.#attempt++;
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    this.#tokens.rest();
    this.#isOpen = false;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/** One `cmd_id`, two commands. */
const TAKEN = { code: -32004, message: 'Conflict', data: 'cmd_id: taken here' };

export type { Notice };
