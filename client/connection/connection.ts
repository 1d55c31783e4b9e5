/**
 * A connection to the edge that reconnects by itself. It sends commands again under the same `cmd_id`, resumes its session
 * and its call subscriptions where they stopped, and reports as unknown what it cannot find out.
 * @module
 */
import { onAbort } from './abort-signal.ts';
import { ActiveCommands, RESEND_WINDOW_MS } from './active-commands.ts';
import { Backoff } from './backoff.ts';
import { type CallObserver, CallSubscription, type WatchParams } from './call-subscription.ts';
import { type EdgeSocket, openEdgeSocket, PONG } from './edge-socket.ts';
import { type CloseReason, conflict, notSent } from './failures.ts';
import { type CommandUpdate, type JsonObject, parseFrame, type ResponseCallback } from './messages.ts';
import type { Platform } from './platform.ts';
import { PendingRequests } from './requests.ts';
import { type TokenOptions, TokenProvider } from './token-provider.ts';

export type ConnectionState =
  | { readonly status: 'connecting'; readonly attempt: number }
  | { readonly status: 'open' }
  /** Between two attempts. `until` is in Unix milliseconds. */
  | { readonly status: 'waiting'; readonly attempt: number; readonly until: number }
  | { readonly status: 'closed'; readonly reason: CloseReason };

export interface ConnectionOptions extends TokenOptions {
  /** Such as `wss://calls.example.com/call-api`. */
  readonly url: string;
  /** Prefix of the session ids; random ids if undefined. */
  readonly session?: string | undefined;
  readonly onState: (state: ConnectionState) => void;
}

/** Close codes of the edge: docs/protocol.md. */
const UNAUTHORIZED = 4401;
const SUPERSEDED = 4408;
/** A request that the edge has not answered by then fails. The same as for a command that has not started. */
const REQUEST_TIMEOUT_MS = RESEND_WINDOW_MS;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #platform: Platform;
  readonly #backoff: Backoff;
  readonly #tokens: TokenProvider;
  readonly #commands: ActiveCommands;
  readonly #subscriptions = new Set<CallSubscription>();
  readonly #requests: PendingRequests;
  #session = '';
  /** `seq` of the last command notification of this session. */
  #lastSeq: number | undefined;
  #socket: EdgeSocket | undefined;
  #isOpen = false;
  #closeReason: CloseReason | undefined;
  /** Incremented with each attempt. Callbacks of an earlier one are ignored. */
  #attempt = 0;
  #cancelReconnect = () => {};
  #cancelTokenCheck = () => {};

  constructor(options: ConnectionOptions, platform: Platform) {
    this.#options = options;
    this.#platform = platform;
    this.#backoff = new Backoff(platform.random);
    this.#tokens = new TokenProvider(options, platform);
    this.#commands = new ActiveCommands(platform, {
      send: (method, params, onResponse, isRetryable) =>
        this.#addRequest(method, params, onResponse, 'discard', isRetryable),
      discard: (id) => this.#requests.discard(id),
    });
    this.#requests = new PendingRequests((text) => {
      if (this.#isOpen) this.#socket?.send(text);
      return this.#isOpen;
    }, platform);
  }

  randomId(): string {
    return this.#platform.randomId();
  }

  /** Connects, and reconnects whenever the socket is lost, until the connection is closed for good. */
  connect(): void {
    if (this.#closeReason) return;
    this.#closeSocket();
    const attempt = this.#attempt;
    this.#options.onState({ status: 'connecting', attempt: this.#backoff.attempts });
    // `onState` may have closed the connection.
    if (attempt !== this.#attempt) return;
    const token = this.#tokens.get();
    if (!(token instanceof Promise)) this.#openSocket(token);
    else
      token.then(
        (fresh) => attempt === this.#attempt && this.#openSocket(fresh),
        () => attempt === this.#attempt && this.#onDisconnected(),
      );
  }

  /**
   * Connects at once instead of waiting for the next attempt. Checks with a ping whether an open socket still works. Does
   * nothing once the connection is closed for good.
   */
  retryNow(): void {
    if (this.#isOpen) {
      this.#socket?.ping();
      return;
    }
    this.#requests.onDisconnected();
    this.connect();
  }

  /**
   * Closes the connection for good, and fails everything that has no response yet. Every way out ends here, and nothing
   * opens the connection again.
   */
  close(reason: CloseReason = 'requested'): void {
    if (this.#closeReason) return;
    this.#closeSocket();
    this.#closeReason = reason;
    this.#commands.failAll(reason);
    this.#requests.failAll(reason);
    const subscriptions = [...this.#subscriptions];
    this.#subscriptions.clear();
    for (const { observer } of subscriptions) observer.onClosed?.(reason);
    this.#options.onState({ status: 'closed', reason });
  }

  /**
   * Sends a request.
   * @param isRepeatable it changes nothing, so it is sent again after a reconnect; any other request then fails
   * @return the result; rejects with the error of the response, or of its own when there is none within 30 s
   */
  request(method: string, params: object, isRepeatable = true, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let stopWaiting = () => {};
      const onResponse: ResponseCallback = ({ result, error }) => {
        stopWaiting();
        if (error) reject(error);
        else resolve(result);
      };
      if (signal?.aborted) throw signal.reason;
      if (this.#closeReason) throw notSent(this.#closeReason);
      const id = this.#addRequest(method, params, onResponse, isRepeatable ? 'resend' : 'fail');
      const cancelDeadline = this.#platform.setTimer(REQUEST_TIMEOUT_MS, () =>
        this.#requests.fail(id, 'expired'),
      );
      const removeListener = onAbort(signal, () => {
        stopWaiting();
        this.#requests.discard(id);
        reject(signal?.reason);
      });
      stopWaiting = () => {
        cancelDeadline();
        removeListener();
      };
    });
  }

  /**
   * Runs a command.
   * @param onUpdate receives its events in order: `Started`, `Refused` or `Lost` first, `Ended`, `Refused` or `Lost` last.
   * One of them comes within 30 s; at once if the connection is closed for good.
   * @return its `cmd_id`
   */
  run(
    method: string,
    params: object,
    onUpdate: (update: CommandUpdate) => void,
    cmdId: string = this.randomId(),
  ): string {
    if (this.#closeReason) onUpdate({ event: 'Lost', error: notSent(this.#closeReason) });
    else if (this.#commands.has(cmdId)) onUpdate({ event: 'Refused', error: conflict(cmdId) });
    else {
      const command = { method, params: { ...params, cmd_id: cmdId }, onUpdate };
      this.#commands.add(cmdId, command, this.#lastSeq ?? 0);
      if (this.#isOpen) this.#commands.send(cmdId);
    }
    return cmdId;
  }

  /** Ignores all further events of a command, and does not send it again. A command that was sent continues to run. */
  discard(cmdId: string): void {
    this.#commands.discard(cmdId);
  }

  /** Watches calls across reconnects. Returns a function that ends the subscription. */
  watch(observer: CallObserver, params: WatchParams = {}): () => void {
    const subscription = new CallSubscription(observer, params, (method, params, onResponse) => {
      this.#addRequest(method, params, onResponse, 'discard');
    });
    if (this.#closeReason) {
      observer.onClosed?.(this.#closeReason);
      return () => {};
    }
    this.#subscriptions.add(subscription);
    if (this.#isOpen) subscription.subscribe();
    return () => this.#unwatch(subscription);
  }

  #unwatch(subscription: CallSubscription): void {
    if (!this.#subscriptions.delete(subscription)) return;
    subscription.end();
    const { callid } = subscription;
    const isShared = [...this.#subscriptions].some((other) => other.callid === callid);
    if (this.#isOpen && !isShared) this.#addRequest('CallUnwatch', { callid }, () => {}, 'discard');
  }

  #addRequest(...[method, params, onResponse, ...options]: Parameters<PendingRequests['add']>): string {
    if (!this.#closeReason) return this.#requests.add(method, params, onResponse, ...options);
    onResponse({ error: notSent(this.#closeReason) });
    return '';
  }

  #openSocket(token: string | undefined): void {
    // Without a notification to resume from, a new session starts: it gets all events of what is sent again.
    if (this.#lastSeq === undefined) this.#session = this.#newSession();
    const url = new URL(this.#options.url);
    url.searchParams.set('session', this.#session);
    // The client proves what it has read, so the edge sends as fast as it reads.
    url.searchParams.set('ack', '1');
    url.searchParams.set('batch', '1');
    if (this.#lastSeq !== undefined)
      url.searchParams.set('since', String(this.#commands.resumeFrom(this.#lastSeq)));
    const protocols = token === undefined ? [] : ['call-api.v1', `call-api.token.${token}`];
    this.#socket = openEdgeSocket(this.#platform, url.href, protocols, {
      onOpen: () => this.#onOpen(),
      onMessage: (text) => this.#onMessage(text),
      onClose: (code) => this.#onDisconnected(code, token),
    });
  }

  /** Returns the configured name first, and then names that are new to the edge. */
  #newSession(): string {
    const { session } = this.#options;
    const id = this.randomId();
    if (session === undefined) return id;
    return this.#session === '' ? session : `${session}.${id.slice(0, 8)}`;
  }

  #onOpen(): void {
    this.#isOpen = true;
    this.#tokens.startRenewal((token) => {
      // If the edge refuses the token, it closes the socket, and the client reconnects with this token.
      this.#addRequest('Authorize', { token }, () => {}, 'discard');
    });
    this.#requests.resend();
    this.#commands.onConnected(this.#session);
    for (const subscription of this.#subscriptions) subscription.subscribe();
    // Last, so that requests which `onState` makes are not sent twice.
    this.#options.onState({ status: 'open' });
  }

  #onMessage(text: string): void {
    // Not on open: the backoff must grow while an edge accepts each socket and closes it again.
    this.#backoff.reset();
    this.#tokens.onAccepted();
    if (text === PONG) return;
    for (const message of parseFrame(text)) {
      if ('id' in message) this.#requests.onResponse(message.id, message);
      else if (message.method === 'SessionReset') this.#restartSession();
      else if (message.method === 'Acknowledge') this.#acknowledge(message.params);
      else if (message.method === 'Call' || message.method === 'Link')
        for (const subscription of this.#subscriptions) subscription.onNotification(message);
      else {
        const { seq } = message.params;
        if (typeof seq === 'number') this.#lastSeq = Math.max(this.#lastSeq ?? 0, seq);
        this.#commands.onNotification(message.params);
      }
    }
  }

  /** Returns a token: everything before it has been read. It is a notification, because there is nothing to wait for. */
  #acknowledge({ token }: JsonObject): void {
    this.#socket?.send(JSON.stringify({ jsonrpc: '2.0', method: 'Acknowledge', params: { token } }));
  }

  /** The edge no longer has what this session missed, so a new session sends the active commands again. */
  #restartSession(): void {
    // An edge that resets a session which did not resume would be asked in a loop.
    if (this.#lastSeq === undefined) return;
    this.#lastSeq = undefined;
    this.#requests.onDisconnected();
    this.connect();
  }

  /** @param code the close code; undefined if the socket timed out or there was no token */
  #onDisconnected(code?: number, token?: string): void {
    const wasOpen = this.#isOpen;
    this.#closeSocket();
    const isUnauthorized = code === UNAUTHORIZED && !this.#tokens.onRejected();
    if (isUnauthorized || code === SUPERSEDED) {
      this.close(isUnauthorized ? 'unauthorized' : 'superseded');
      return;
    }
    this.#requests.onDisconnected();
    const delay = this.#backoff.next();
    const until = this.#platform.now() + delay;
    this.#cancelReconnect = this.#platform.setTimer(delay, () => this.connect());
    if (!wasOpen && code !== undefined) this.#checkToken(token);
    // Last, because `onState` may close the connection.
    this.#options.onState({ status: 'waiting', attempt: this.#backoff.attempts, until });
  }

  /** Finds out whether the edge has closed a socket before it opened because of the token. */
  #checkToken(token: string | undefined): void {
    const onRejected = () => {
      if (!this.#tokens.onRejected()) this.close('unauthorized');
    };
    this.#cancelTokenCheck = this.#platform.checkToken?.(this.#options.url, token, onRejected) ?? (() => {});
  }

  /** Ends the attempt or the socket, with everything that waits for it. */
  #closeSocket(): void {
    this.#attempt++;
    this.#cancelReconnect();
    this.#cancelTokenCheck();
    this.#tokens.stop();
    this.#commands.onDisconnected();
    this.#isOpen = false;
    this.#socket?.close();
    this.#socket = undefined;
  }
}
