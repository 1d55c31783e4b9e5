/**
 * Runs the edge's MI requests: each at most once, before it expires, and only if its method is allowed. Each one gets a
 * reply.
 * @module
 */
import type { InDialogMessage, MiRequest } from '../../shared/protocol/link.ts';
import type { Log } from '../log.ts';
import type { MiClient } from '../opensips/mi-client.ts';
import { describeResponse, type MiResponse } from '../opensips/mi-message.ts';
import { AtMostOnceGuard } from './at-most-once.ts';

/**
 * Requests that are running or whose reply is not acknowledged: about three times what the MI client runs at once. An
 * edge that sends more is faulty.
 */
const MAX_OPEN_REQUESTS = 32_768;

/** The longest delay of a Node timer, in milliseconds. A timer with a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class EdgeRequests {
  readonly #mi: Pick<MiClient, 'request'>;
  readonly #allowedMethods: ReadonlySet<string>;
  readonly #sendReply: (id: string, response: MiResponse) => number;
  readonly #log: Log;
  readonly #guard: AtMostOnceGuard;

  /** @param sendReply queues the reply for the edge and returns its sequence number */
  constructor(
    mi: Pick<MiClient, 'request'>,
    allowedMethods: ReadonlySet<string>,
    sendReply: (id: string, response: MiResponse) => number,
    log: Log,
    maxOpenRequests = MAX_OPEN_REQUESTS,
  ) {
    this.#mi = mi;
    this.#allowedMethods = allowedMethods;
    this.#sendReply = sendReply;
    this.#log = log;
    this.#guard = new AtMostOnceGuard(maxOpenRequests);
  }

  /** Starts a request, or ignores a duplicate. Returns false if too many requests are open. */
  accept(request: MiRequest | InDialogMessage): boolean {
    const status = this.#guard.begin(request.id);
    if (status === 'new') void this.#run(request).then((response) => this.#reply(request, response));
    return status !== 'full';
  }

  /** Replies that the edge has not acknowledged. It acknowledges with its next request, so a high count means a busy edge. */
  get unacknowledgedReplies(): number {
    return this.#guard.unacknowledgedReplies;
  }

  /** Forgets the requests whose replies the edge has stored: all up to `seq`. */
  onAcknowledged(seq: number): void {
    this.#guard.onAcknowledged(seq);
  }

  async #run({ id, method, params, timeout_ms, ttl_ms }: MiRequest | InDialogMessage): Promise<MiResponse> {
    if (!this.#allowedMethods.has(method)) {
      this.#log.warn(
        { method },
        'Refused an MI command of the edge because it is not in --allow (MI_ALLOW). Add it there if the edge may run it.',
      );
      return { outcome: 'refused' };
    }
    if (ttl_ms <= 0) return { outcome: 'expired' };
    const timeouts = { timeoutMs: Math.min(timeout_ms, MAX_TIMER_MS), ttlMs: Math.min(ttl_ms, MAX_TIMER_MS) };
    // With the edge's id, so that a request in OpenSIPS's log can be traced back to the edge.
    return this.#mi.request(method, params, timeouts, id);
  }

  #reply({ id, method }: MiRequest | InDialogMessage, response: MiResponse): void {
    if ('outcome' in response) {
      const { outcome } = response;
      this.#log.warn(
        { method, outcome },
        `No response to the MI command ${method}: ${describeResponse(response)}.`,
      );
    } else {
      this.#log.debug({ method, refused: 'error' in response }, 'Received the response to an MI command.');
    }
    this.#guard.onReplied(id, this.#sendReply(id, response));
  }
}
