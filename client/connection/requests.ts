/** Keeps the requests that await a response, and sends them again after a reconnect where that is safe. @module */
import { retryDelayMs } from './backoff.ts';
import { type CloseReason, type LossReason, noResponse, notSent } from './failures.ts';
import { isJsonObject, type ResponseCallback, type RpcError, type RpcResponse } from './messages.ts';
import type { Platform } from './platform.ts';

/** What happens to a sent request when its socket is lost before the response arrives. */
export type DisconnectPolicy =
  /** It changes nothing, so it is sent again on the next socket. */
  | 'resend'
  /** It is dropped. Commands and call subscriptions send new requests when the next socket opens. */
  | 'discard'
  /** It fails, because the edge may have run it or not. */
  | 'fail';

interface PendingRequest {
  readonly text: string;
  readonly onResponse: ResponseCallback;
  readonly policy: DisconnectPolicy;
  readonly isRetryable: boolean;
  isSent: boolean;
  /** The last response, if it reported a rate limit and was hidden. */
  refusal: RpcError | undefined;
  retries: number;
  cancelRetry: () => void;
}

/** The error code of a rate limit. `data.retry_after` is in seconds. */
const TOO_MANY = -32003;

export class PendingRequests {
  readonly #requests = new Map<string, PendingRequest>();
  readonly #send: (text: string) => boolean;
  readonly #platform: Pick<Platform, 'setTimer' | 'random'>;
  #lastId = 0;

  /** @param send sends the text if a socket is open, and returns whether it did */
  constructor(send: (text: string) => boolean, platform: Pick<Platform, 'setTimer' | 'random'>) {
    this.#send = send;
    this.#platform = platform;
  }

  /**
   * Sends a request now, or when a socket opens.
   * @param isRetryable a response that reports a rate limit is hidden, and the request is sent again later, at growing
   * intervals, until it is discarded: for requests that change nothing or that were sent before
   * @return the id of the request
   */
  add(
    method: string,
    params: object,
    onResponse: ResponseCallback,
    policy: DisconnectPolicy,
    isRetryable: boolean = policy !== 'fail',
  ): string {
    const id = String(++this.#lastId);
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    this.#requests.set(id, {
      text,
      onResponse,
      policy,
      isRetryable,
      isSent: this.#send(text),
      refusal: undefined,
      retries: 0,
      cancelRetry: () => {},
    });
    return id;
  }

  /** Removes a request whose response is no longer wanted, and stops sending it. */
  discard(id: string): void {
    this.#requests.get(id)?.cancelRetry();
    this.#requests.delete(id);
  }

  /** Fails a request: with the rate limit that has refused it so far, or because of the reason. */
  fail(id: string, reason: LossReason): void {
    const request = this.#requests.get(id);
    this.discard(id);
    const { isSent, refusal } = request ?? {};
    request?.onResponse({ error: refusal ?? (isSent ? noResponse(reason) : notSent(reason)) });
  }

  /** Sends all pending requests on a socket that has just opened. */
  resend(): void {
    for (const request of this.#requests.values()) request.isSent = this.#send(request.text);
  }

  onResponse(id: string, response: RpcResponse): void {
    const request = this.#requests.get(id);
    if (!request) return;
    const { error } = response;
    if (request.isRetryable && error?.code === TOO_MANY) {
      request.refusal = error;
      request.cancelRetry();
      const retryAfter = isJsonObject(error.data) ? error.data['retry_after'] : undefined;
      const delay = retryDelayMs(retryAfter, request.retries++, this.#platform.random());
      request.cancelRetry = this.#platform.setTimer(delay, () => this.#send(request.text));
      return;
    }
    this.discard(id);
    request.onResponse(response);
  }

  /** Applies the policy of each request that was sent on the lost socket. */
  onDisconnected(): void {
    for (const [id, { policy, isSent, cancelRetry }] of [...this.#requests]) {
      cancelRetry();
      if (policy === 'resend' || (policy === 'fail' && !isSent)) continue;
      if (policy === 'fail') this.fail(id, 'disconnected');
      else this.discard(id);
    }
  }

  /** Fails all requests, because no further socket will open. */
  failAll(reason: CloseReason): void {
    this.onDisconnected();
    for (const id of [...this.#requests.keys()]) this.fail(id, reason);
  }
}
