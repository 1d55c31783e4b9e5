/**
 * Knocks at an edge that dials this adapter: while there is no link, messages go to the edge by HTTP, which then dials if it has to.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { KNOCK_PATH, KnockAnswer } from '../../shared/protocol/dial.ts';
import { explainError } from '../../shared/settings/error-reason.ts';
import { type Log, redactUrl } from '../log.ts';
import { sendHttpRequest } from '../network/http-request.ts';
import { createAgent } from '../network/network.ts';
import type { Timing } from '../timing.ts';
import { backoffDelayMs } from './backoff.ts';
import { describeRefusal, type KnockFailure } from './knock-failure.ts';
import type { LinkSettings } from './link.ts';
import { Session, type SessionContext, TARGET_FRAME_LENGTH } from './session.ts';

/** Returns the URL for knocks at an edge, below its adapter endpoint. */
export function knockUrl(edge: string): string {
  const url = new URL(edge.replace(/^ws/i, 'http'));
  url.pathname = url.pathname.replace(/\/adapter$/, KNOCK_PATH);
  return url.href;
}

export class Knocker {
  readonly #settings: LinkSettings;
  readonly #context: SessionContext;
  readonly #timing: Timing;
  readonly #random: () => number;
  readonly #log: Log;
  #running: Promise<void> | undefined;
  #canceling = new AbortController();
  /** When the next knock may begin, by `performance.now()`. */
  #notBefore = 0;
  #failures = 0;
  /** Whether to send messages. An edge that rejects them may be older, and not know one: its `welcome` tells. */
  #sendsMessages = true;

  /** @param random returns a number from 0 to 1, for the jitter */
  constructor(
    settings: LinkSettings,
    context: SessionContext,
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

  /** Knocks until the outbox is empty: at once, or when the next knock is allowed. One knock is under way at a time. */
  start(): void {
    if (this.#running) return;
    const canceling = new AbortController();
    this.#canceling = canceling;
    this.#running = this.#run(canceling.signal).finally(() => {
      if (this.#canceling === canceling) this.#running = undefined;
    });
  }

  /**
   * Ends the knock that is under way. There is a link now, whose `welcome` is newer than the answer would be, and on which the edge
   * sends everything again that waits for this adapter.
   */
  cancel(): void {
    this.#canceling.abort();
    this.#running = undefined;
    this.#failures = 0;
  }

  /** Knocks a last time if there are messages, for at most `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.start();
    const done = new AbortController();
    const timeout = delay(timeoutMs, undefined, { ref: false, signal: done.signal }).catch(() => {});
    await Promise.race([this.#running, timeout]);
    done.abort();
    this.cancel();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { outbox } = this.#context;
    while (outbox.lastSeq >= outbox.base && !signal.aborted) {
      const waitMs = Math.max(0, this.#notBefore - performance.now());
      await delay(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#notBefore = performance.now() + this.#timing.knockIntervalMs;
      const failure = await this.#knock(signal);
      if (signal.aborted) return;
      if (failure) this.#onFailure(failure);
      else this.#failures = 0;
    }
  }

  #onFailure({ message, needsOperator, retryAfterMs }: KnockFailure): void {
    const { refusedRetryDelayMs, minReconnectDelayMs, maxReconnectDelayMs } = this.#timing;
    this.#failures += 1;
    const backoffMs = backoffDelayMs(
      this.#failures,
      minReconnectDelayMs,
      maxReconnectDelayMs,
      this.#random(),
    );
    const retryMs = retryAfterMs ?? (needsOperator ? refusedRetryDelayMs : backoffMs);
    this.#notBefore = Math.max(this.#notBefore, performance.now() + retryMs);
    this.#log[needsOperator ? 'error' : 'warn'](
      { edge: redactUrl(this.#settings.edge), retry_ms: Math.round(retryMs) },
      message,
    );
  }

  /** Knocks once. Returns undefined if the edge has answered. */
  async #knock(signal: AbortSignal): Promise<KnockFailure | undefined> {
    const session = new Session(this.#context, {
      onWelcome: () => {},
      onLostByEdge: (applied) =>
        this.#log.warn(
          { applied, base: this.#context.outbox.base },
          'The edge has lost messages that it had acknowledged.',
        ),
    });
    const body = this.#body(session.hello(performance.now()));
    try {
      const response = await this.#post(body, signal);
      const text = await response.text();
      if (signal.aborted) return undefined;
      this.#sendsMessages = response.status !== 400;
      return response.status === 200 ? this.#onAnswer(session, text) : describeRefusal(response, text);
    } catch (error) {
      const { reason, remedy = 'Check --edge (EDGE_URL), the network and the firewall.' } =
        explainError(error);
      const message = `Cannot deliver messages to the edge: ${reason}. ${remedy}`;
      return { message, needsOperator: false };
    }
  }

  #body(hello: object): string {
    const { outbox } = this.#context;
    const frame = this.#sendsMessages ? outbox.frameAfter(outbox.base - 1, TARGET_FRAME_LENGTH) : undefined;
    const messages = frame?.text ?? '[]';
    const list = messages.startsWith('[') ? messages : `[${messages}]`;
    return `{"hello":${JSON.stringify(hello)},"messages":${list}}`;
  }

  #post(body: string, signal: AbortSignal): Promise<Response> {
    const { edge, key, network } = this.#settings;
    const timeoutMs = this.#timing.handshakeTimeoutMs;
    const headers = {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    };
    return sendHttpRequest(knockUrl(edge), {
      method: 'POST',
      headers,
      body,
      agent: createAgent(edge, network, timeoutMs),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
  }

  /** The answer has what a link would have brought. */
  #onAnswer(session: Session, text: string): KnockFailure | undefined {
    const answer = KnockAnswer.safeParse(parseJson(text));
    if (!answer.success)
      return {
        message: `What answers at ${redactUrl(knockUrl(this.#settings.edge))} is not an edge. Check --edge (EDGE_URL).`,
        needsOperator: true,
      };
    const { welcome, requests, dials } = answer.data;
    const { applied } = welcome;
    // The edge asks before it applies the messages: a request whose reply is among them was asked again. Its reply must be acknowledged
    // last, because then nothing here knows any more that it has run.
    const before = Math.min(applied, this.#context.outbox.base - 1);
    const frame = [{ ...welcome, applied: before }, ...requests, { type: 'ack', seq: applied }];
    const fault = session.onFrame(JSON.stringify(frame), performance.now());
    if (fault)
      return {
        message: `The edge has answered a knock with an invalid message: ${fault.description}. Update both to the same release.`,
        needsOperator: true,
      };
    this.#log.debug({ applied, requests: requests.length, dials }, 'Knocked at the edge.');
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
