/**
 * The link to the edge: connects, and reconnects until it is stopped.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Log, redactUrl } from '../log.ts';
import { createAgent } from '../network/network.ts';
import type { Settings } from '../settings.ts';
import type { Timing } from '../timing.ts';
import { backoffDelayMs } from './backoff.ts';
import { Connection, type ConnectionContext, releaseConnection } from './connection.ts';
import { summarizeDisconnect } from './disconnect-reason.ts';
import type { AddedMessage } from './outbox.ts';
import { SOCKET_OPTIONS } from './socket-options.ts';

export type LinkSettings = Pick<Settings, 'edge' | 'key' | 'network'>;

/** Begins a WebSocket connection to the edge. */
export function dial({ edge, key, network }: LinkSettings, timeoutMs: number): WebSocket {
  const agent = createAgent(edge, network, timeoutMs);
  return new WebSocket(edge, {
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    handshakeTimeout: timeoutMs,
    ...(agent === undefined ? {} : { agent }),
    ...SOCKET_OPTIONS,
    // A redirect would send the key to another server.
    followRedirects: false,
  });
}

/** What the adapter needs of its link, whether it dials or listens. */
export interface EdgeLink {
  /** Keeps the link until `stop` is called. */
  run(): Promise<void>;
  /** Schedules sending of a message that was added to the outbox, and of all before it. */
  scheduleSend(added: AddedMessage): void;
  /** Sends the current status of OpenSIPS. */
  sendStatus(): void;
  /**
   * Has another adapter take over, if one waits. Resolves with whether one has, after `timeoutMs` at the latest: then requests that are
   * under way should be answered before {@link stop}.
   */
  release(timeoutMs: number): Promise<boolean>;
  /** Reads the certificate files of a listener again. */
  reloadCertificate(): void;
  /** Sends the remaining messages, says goodbye and closes. Drops the connection after `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

/** The link of an adapter that connects to the edge. */
export class Link implements EdgeLink {
  readonly #settings: LinkSettings;
  readonly #context: ConnectionContext;
  readonly #timing: Timing;
  readonly #random: () => number;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #connection: Connection | undefined;

  /** @param random returns a number from 0 to 1, for the jitter */
  constructor(
    settings: LinkSettings,
    context: ConnectionContext,
    timing: Timing,
    random: () => number,
    log: Log,
  ) {
    this.#settings = settings;
    this.#context = context;
    this.#timing = timing;
    this.#random = random;
    this.#log = log;
  }

  async run(): Promise<void> {
    const { stableAfterMs, refusedRetryDelayMs, minReconnectDelayMs, maxReconnectDelayMs } = this.#timing;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const connection = new Connection(
        dial(this.#settings, this.#timing.handshakeTimeoutMs),
        this.#context,
        this.#timing,
        this.#log,
      );
      this.#connection = connection;
      const { message, needsOperator } = summarizeDisconnect(await connection.closed);
      this.#connection = undefined;
      if (this.#stopping.signal.aborted) return;
      failures = connection.durationMs(performance.now()) >= stableAfterMs ? 1 : failures + 1;
      const backoffMs = backoffDelayMs(failures, minReconnectDelayMs, maxReconnectDelayMs, this.#random());
      const retryDelayMs = Math.round(needsOperator ? refusedRetryDelayMs : backoffMs);
      this.#log[needsOperator ? 'error' : 'warn'](
        { edge: redactUrl(this.#settings.edge), retry_ms: retryDelayMs },
        message,
      );
      await delay(retryDelayMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  scheduleSend(added: AddedMessage): void {
    this.#connection?.scheduleSend(added);
  }

  sendStatus(): void {
    this.#connection?.sendStatus();
  }

  release(timeoutMs: number): Promise<boolean> {
    return releaseConnection(this.#connection, timeoutMs);
  }

  reloadCertificate(): void {
    this.#log.info('There is no certificate to reload: the adapter does not listen.');
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    const connection = this.#connection;
    if (connection === undefined) return;
    await Promise.race([connection.close(), delay(timeoutMs, undefined, { ref: false })]);
    connection.terminate();
  }
}
