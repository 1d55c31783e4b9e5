/**
 * Runs the edge's requests, which are MI commands and requests within a dialog: each at most once, before it expires, and only
 * if it is allowed. Each one gets a reply.
 * @module
 */
import type { ListParams } from '../../shared/protocol/dialog-list.ts';
import type { InDialogMessage, ListMessage, MiRequest } from '../../shared/protocol/link.ts';
import { describeResponse, type MiResponse } from '../opensips/mi-message.ts';
import type { RequestTimeouts } from '../opensips/request-timeouts.ts';
import { SEND_SEQUENTIAL_NAMES } from '../opensips/send-sequential.ts';
import { AtMostOnceGuard } from './at-most-once.ts';

/**
 * Requests that are running or whose reply is not acknowledged: about three times what the MI client runs at once. An
 * edge that sends more is faulty.
 */
const MAX_OPEN_REQUESTS = 32_768;

/** The MI command that a request for changes of the list of dialogs runs. */
const LIST_COMMAND = 'dlg_list';

/** The longest delay of a Node timer, in milliseconds. A timer with a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What runs the requests: an `OpenSipsConnection`. */
export interface RequestExecutor {
  readonly mi: {
    request(
      method: string,
      params: MiRequest['params'],
      timeouts: RequestTimeouts,
      id: string,
    ): Promise<MiResponse>;
  };
  inDialog(
    method: InDialogMessage['method'],
    params: MiRequest['params'],
    timeouts: RequestTimeouts,
    id: string,
  ): Promise<MiResponse>;
  listDialogs(params: ListParams): Promise<MiResponse>;
}

/** Where warnings go: a `Log`. */
export interface RequestLog {
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

/** What the log calls a request. */
const KINDS = {
  mi: 'MI command',
  'in-dialog': 'request within a call',
  list: 'request for the list of dialogs:',
} as const;

export class EdgeRequests {
  readonly #opensips: RequestExecutor;
  readonly #allowedMethods: ReadonlySet<string>;
  readonly #sendReply: (id: string, response: MiResponse, mayWait: boolean) => number;
  readonly #log: RequestLog;
  readonly #guard: AtMostOnceGuard;

  /** @param sendReply queues the reply for the edge and returns its sequence number; `mayWait` if nobody waits for it */
  constructor(
    opensips: RequestExecutor,
    allowedMethods: ReadonlySet<string>,
    sendReply: (id: string, response: MiResponse, mayWait: boolean) => number,
    log: RequestLog,
    maxOpenRequests = MAX_OPEN_REQUESTS,
  ) {
    this.#opensips = opensips;
    this.#allowedMethods = allowedMethods;
    this.#sendReply = sendReply;
    this.#log = log;
    this.#guard = new AtMostOnceGuard(maxOpenRequests);
  }

  /** Starts a request, or ignores a duplicate. Returns false if too many requests are open. */
  accept(request: MiRequest | InDialogMessage | ListMessage): boolean {
    const status = this.#guard.begin(request.id);
    if (status === 'new') void this.#run(request).then((response) => this.#reply(request, response));
    return status !== 'full';
  }

  /** Replies that the edge has not acknowledged. It acknowledges with its next request, so a high count means a busy edge. */
  get unacknowledgedReplies(): number {
    return this.#guard.unacknowledgedReplies;
  }

  /** Requests that OpenSIPS has not answered. */
  get unanswered(): number {
    return this.#guard.running;
  }

  /** Forgets the requests whose replies the edge has stored: all up to `seq`. */
  onAcknowledged(seq: number): void {
    this.#guard.onAcknowledged(seq);
  }

  async #run(request: MiRequest | InDialogMessage | ListMessage): Promise<MiResponse> {
    const { id, params, timeout_ms, ttl_ms, send_within_ms = ttl_ms } = request;
    if (request.type === 'mi' && !this.#isAllowed(request.method)) return { outcome: 'refused' };
    if (request.type === 'list' && !this.#isAllowed(LIST_COMMAND)) return { outcome: 'refused' };
    if (ttl_ms <= 0) return { outcome: 'expired' };
    const timeouts = {
      timeoutMs: Math.min(timeout_ms, MAX_TIMER_MS),
      ttlMs: Math.min(ttl_ms, MAX_TIMER_MS),
      ...(send_within_ms < ttl_ms ? { sendWithinMs: send_within_ms } : {}),
    };
    if (request.type === 'list') return this.#opensips.listDialogs(request.params);
    // With the edge's id, so that a request in OpenSIPS's log can be traced back to the edge.
    return request.type === 'mi'
      ? this.#opensips.mi.request(request.method, params, timeouts, id)
      : this.#opensips.inDialog(request.method, params, timeouts, id);
  }

  /** Returns whether the edge may run an MI command, and logs if not. */
  #isAllowed(method: string): boolean {
    if (SEND_SEQUENTIAL_NAMES.includes(method)) {
      this.#log.warn(
        { method },
        `Refused the MI command ${method} of the edge, also if --allow (MI_ALLOW) names it: it could send any request within any call. The adapter itself sends those that are needed.`,
      );
      return false;
    }
    if (this.#allowedMethods.has(method)) return true;
    this.#log.warn(
      { method },
      'Refused an MI command of the edge because it is not in --allow (MI_ALLOW). Add it there if the edge may run it.',
    );
    return false;
  }

  #reply(
    { id, type, method, may_wait }: MiRequest | InDialogMessage | ListMessage,
    response: MiResponse,
  ): void {
    if ('outcome' in response) {
      const { outcome } = response;
      this.#log.warn(
        { method, outcome },
        `No response to the ${KINDS[type]} ${method}: ${describeResponse(response)}.`,
      );
    } else {
      this.#log.debug(
        { method, refused: 'error' in response },
        'Received the response to a request of the edge.',
      );
    }
    this.#guard.onReplied(id, this.#sendReply(id, response, may_wait === true));
  }
}
