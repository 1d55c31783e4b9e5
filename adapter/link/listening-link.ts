/** The link of an adapter that its edge dials. While there is none, the adapter knocks. @module */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { formatAddress } from '../../shared/settings/value-types.ts';
import { createEdgeKeys } from '../listener/edge-keys.ts';
import { describeListener, Listener } from '../listener/listener.ts';
import type { ListenSettings } from '../listener/listener-settings.ts';
import type { Log } from '../log.ts';
import type { Timing } from '../timing.ts';
import { backoffDelayMs } from './backoff.ts';
import { Connection, type ConnectionContext, releaseConnection } from './connection.ts';
import { summarizeDialedDisconnect } from './dialed-disconnect.ts';
import type { DisconnectReason } from './disconnect-reason.ts';
import { Knocker } from './knock.ts';
import type { EdgeLink, LinkSettings } from './link.ts';
import type { AddedMessage } from './outbox.ts';

/** Sockets that the edge has opened, but not welcomed. It opens one at a time. */
const MAX_CANDIDATES = 4;

export class ListeningLink implements EdgeLink {
  readonly #settings: LinkSettings;
  readonly #listen: ListenSettings;
  readonly #context: ConnectionContext;
  readonly #timing: Timing;
  readonly #random: () => number;
  readonly #log: Log;
  readonly #knocker: Knocker;
  readonly #stopping = new AbortController();
  #listener: Listener | undefined;
  /** The connection that the edge has welcomed last. */
  #current: Connection | undefined;
  /**
   * Connections without a `welcome`, oldest first. Only the welcome shows that the edge takes this adapter: until then the current
   * connection stays, so that a site with a wrong URL does not interrupt the link of another one.
   */
  readonly #candidates = new Set<Connection>();

  /** @param random returns a number from 0 to 1, for the jitter */
  constructor(
    settings: LinkSettings,
    listen: ListenSettings,
    context: ConnectionContext,
    timing: Timing,
    random: () => number,
    log: Log,
  ) {
    this.#settings = settings;
    this.#listen = listen;
    this.#context = context;
    this.#timing = timing;
    this.#random = random;
    this.#log = log;
    this.#knocker = new Knocker(settings, context, timing, random, log);
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    const stopped = once(signal, 'abort');
    for (let failures = 1; !signal.aborted && !(await this.#open()); failures += 1) {
      const { minReconnectDelayMs, maxReconnectDelayMs } = this.#timing;
      const delayMs = backoffDelayMs(failures, minReconnectDelayMs, maxReconnectDelayMs, this.#random());
      await delay(delayMs, undefined, { signal }).catch(() => {});
    }
    if (signal.aborted) return;
    this.#knockIfNeeded();
    await stopped;
  }

  scheduleSend(added: AddedMessage): void {
    if (this.#current) this.#current.scheduleSend(added);
    else this.#knockIfNeeded();
  }

  sendStatus(): void {
    for (const connection of this.#connections) connection.sendStatus();
  }

  release(timeoutMs: number): Promise<boolean> {
    return releaseConnection(this.#current, timeoutMs);
  }

  reloadCertificate(): void {
    this.#listener?.reloadCertificate();
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    const connections = this.#connections;
    const isConnected = this.#current !== undefined;
    // A port that is free at once lets the next process listen.
    this.#listener?.close();
    if (!isConnected) await this.#knocker.stop(timeoutMs);
    const closing = Promise.all(connections.map((connection) => connection.close()));
    await Promise.race([closing, delay(isConnected ? timeoutMs : 0, undefined, { ref: false })]);
    for (const connection of connections) connection.terminate();
  }

  get #connections(): readonly Connection[] {
    return [...(this.#current ? [this.#current] : []), ...this.#candidates];
  }

  /** Begins to listen, unless the link is stopped meanwhile. Returns false, and says why, if that is not possible now. */
  async #open(): Promise<boolean> {
    const { edge, network } = this.#settings;
    const { handshakeTimeoutMs } = this.#timing;
    const listener = new Listener(this.#listen, {
      handshakeTimeoutMs,
      keys: createEdgeKeys(edge, network, handshakeTimeoutMs / 2),
      log: this.#log,
      onSocket: (socket) => this.#onSocket(socket),
    });
    try {
      const address = await listener.listen();
      if (this.#stopping.signal.aborted) {
        listener.close();
        return true;
      }
      this.#listener = listener;
      this.#log.info(describeListener(address, this.#listen), 'Listening for the edge.');
      return true;
    } catch (error) {
      this.#log.error(
        { listen: formatAddress(this.#listen.address) },
        `Cannot listen for the edge: ${reasonOf(error)}. Check --listen (ADAPTER_LISTEN). The adapter tries again.`,
      );
      return false;
    }
  }

  #onSocket(socket: WebSocket): void {
    const context = { ...this.#context, onWelcome: () => this.#promote(connection) };
    const connection = new Connection(socket, context, this.#timing, this.#log);
    this.#candidates.add(connection);
    if (this.#candidates.size > MAX_CANDIDATES) this.#candidates.values().next().value?.terminate();
    void connection.closed.then((reason) => this.#onClosed(connection, reason));
  }

  #promote(connection: Connection): void {
    const older = this.#current;
    this.#candidates.delete(connection);
    this.#current = connection;
    this.#knocker.cancel();
    older?.terminate();
  }

  #onClosed(connection: Connection, reason: DisconnectReason): void {
    const isCurrent = connection === this.#current;
    if (isCurrent) this.#current = undefined;
    // A connection that a newer one has replaced is neither.
    if (!isCurrent && !this.#candidates.delete(connection)) return;
    if (this.#stopping.signal.aborted) return;
    const { level, message } = summarizeDialedDisconnect(reason);
    this.#log[level](message);
    this.#knockIfNeeded();
  }

  #knockIfNeeded(): void {
    const hasSocket = this.#current !== undefined || this.#candidates.size > 0;
    if (!hasSocket && this.#listener && !this.#stopping.signal.aborted) this.#knocker.start();
  }
}
