/**
 * The link to the edge: dials out, and dials again, until it is told to stop.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { backoff } from './backoff.ts';
import { Conversation, type Desk } from './conversation.ts';
import { verdict } from './ending.ts';
import { type Log, loggable } from './log.ts';
import type { Settings } from './settings.ts';
import type { Timing } from './timing.ts';

/** Bytes of a frame from the edge at most: after a reconnect it asks again for all that is unanswered. */
const MAX_FRAME = 16 * 1024 * 1024;

export class Link {
  readonly #settings: Pick<Settings, 'edge' | 'key'>;
  readonly #desk: Desk;
  readonly #timing: Timing;
  readonly #random: () => number;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  #conversation: Conversation | undefined;

  /** @param random from 0 to 1, for the jitter */
  constructor(
    settings: Pick<Settings, 'edge' | 'key'>,
    desk: Desk,
    timing: Timing,
    random: () => number,
    log: Log,
  ) {
    this.#settings = settings;
    this.#desk = desk;
    this.#timing = timing;
    this.#random = random;
    this.#log = log;
  }

  /** Keeps a connection to the edge until `stop`. */
  async run(): Promise<void> {
    const { lasted, refused, reconnectLeast, reconnectMost } = this.#timing;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      const conversation = new Conversation(this.#dial(), this.#desk, this.#timing, this.#log);
      this.#conversation = conversation;
      const { message, needsPerson } = verdict(await conversation.ended);
      this.#conversation = undefined;
      if (this.#stopping.signal.aborted) return;
      failures = conversation.lasted(performance.now()) >= lasted ? 1 : failures + 1;
      const jittered = backoff(failures, reconnectLeast, reconnectMost, this.#random());
      const wait = Math.round(needsPerson ? refused : jittered);
      this.#log[needsPerson ? 'error' : 'warn'](
        { edge: loggable(this.#settings.edge), retry_ms: wait },
        message,
      );
      await delay(wait, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  /** The outbox has grown. */
  wake(): void {
    this.#conversation?.wake();
  }

  /** What is known of OpenSIPS has changed. */
  status(): void {
    this.#conversation?.status();
  }

  /** Sends what is left, says goodbye and closes; cut off after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    const conversation = this.#conversation;
    if (conversation === undefined) return;
    await Promise.race([conversation.leave(), delay(timeoutMs, undefined, { ref: false })]);
    conversation.drop();
  }

  #dial(): WebSocket {
    const { edge, key } = this.#settings;
    return new WebSocket(edge, {
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      handshakeTimeout: this.#timing.handshake,
      maxPayload: MAX_FRAME,
      // Cloudflare does not offer it, and a redirect would carry the key elsewhere.
      perMessageDeflate: false,
      followRedirects: false,
    });
  }
}
