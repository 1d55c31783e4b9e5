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
import { Connection, type ConnectionContext } from './connection.ts';
import { summarizeDisconnect } from './disconnect-reason.ts';

/** Size limit of a frame from the edge: after a reconnect it repeats all requests that have no reply. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/**
 * How long the end of TCP is awaited after the Close frame of the edge, in milliseconds. By default that is 30 s, in which
 * the site would be without its adapter: workerd may keep TCP open for longer. The types of `ws` lack this option.
 */
const CLOSE_TIMEOUT = { closeTimeout: 500 };

export type LinkSettings = Pick<Settings, 'edge' | 'key' | 'network'>;

/** Begins a WebSocket connection to the edge. */
export function dial({ edge, key, network }: LinkSettings, timeoutMs: number): WebSocket {
  const agent = createAgent(edge, network, timeoutMs);
  return new WebSocket(edge, {
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    handshakeTimeout: timeoutMs,
    maxPayload: MAX_FRAME_BYTES,
    ...(agent === undefined ? {} : { agent }),
    ...CLOSE_TIMEOUT,
    // Cloudflare does not offer compression, and a redirect would send the key to another server.
    perMessageDeflate: false,
    followRedirects: false,
  });
}

export class Link {
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

  /** Keeps a connection to the edge until `stop` is called. */
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

  /** Schedules sending of the messages that were added to the outbox. */
  scheduleSend(): void {
    this.#connection?.scheduleSend();
  }

  /** Sends the current status of OpenSIPS. */
  sendStatus(): void {
    this.#connection?.sendStatus();
  }

  /**
   * Has another adapter take over, if one waits. Resolves with whether one has, after `timeoutMs` at the latest: then requests that are
   * under way should be answered before {@link stop}.
   */
  async release(timeoutMs: number): Promise<boolean> {
    const connection = this.#connection;
    if (connection === undefined) return false;
    const tooLate = delay(timeoutMs, false, { ref: false });
    return Promise.race([connection.release(), connection.closed.then(() => false), tooLate]);
  }

  /** Sends the remaining messages, says goodbye and closes. Drops the connection after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    const connection = this.#connection;
    if (connection === undefined) return;
    await Promise.race([connection.close(), delay(timeoutMs, undefined, { ref: false })]);
    connection.terminate();
  }
}
