/** Keeps the requests that await a response, and sends them again after a reconnect where that is safe. @module */
import { type CloseReason, noResponse, notSent } from './failures.ts';
import { isJsonObject, type ResponseCallback, type RpcResponse } from './messages.ts';
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
   * @param isRetryable a response that reports a rate limit is hidden, and the request is sent again later: for requests
   * that change nothing or that were sent before
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
    this.#requests.set(id, { text, onResponse, policy, isRetryable, isSent: this.#send(text) });
    return id;
  }

  /** Removes a request whose response is no longer wanted. */
  discard(id: string): void {
    this.#requests.delete(id);
  }

  /** Sends all pending requests on a socket that has just opened. */
  resend(): void {
    for (const request of this.#requests.values()) request.isSent = this.#send(request.text);
  }

  onResponse(id: string, response: RpcResponse): void {
    const request = this.#requests.get(id);
    if (!request) return;
    const { code, data } = response.error ?? {};
    if (request.isRetryable && code === TOO_MANY) {
      const seconds = isJsonObject(data) ? Number(data['retry_after']) : 1;
      this.#platform.setTimer(seconds * 1_000 * (1 + this.#platform.random()), () => {
        if (this.#requests.get(id) === request) this.#send(request.text);
      });
      return;
    }
    this.#requests.delete(id);
    request.onResponse(response);
  }

  /** Applies the policy of each request that was sent on the lost socket. */
  onDisconnected(): void {
    for (const [id, { policy, onResponse, isSent }] of this.#requests) {
      if (policy === 'resend' || (policy === 'fail' && !isSent)) continue;
      this.#requests.delete(id);
      if (policy === 'fail') onResponse({ error: noResponse('disconnected') });
    }
  }

  /** Fails all requests, because no further socket will open. */
  failAll(reason: CloseReason): void {
    this.onDisconnected();
    for (const [id, { onResponse, isSent }] of this.#requests) {
      this.#requests.delete(id);
      onResponse({ error: isSent ? noResponse(reason) : notSent(reason) });
    }
  }
}
