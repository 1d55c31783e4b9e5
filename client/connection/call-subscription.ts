/** Subscribes to calls across reconnects: delivers a snapshot, and then each change once and in order. @module */
import type { Call, CallEvent } from './call.ts';
import type { CloseReason } from './failures.ts';
import {
  isJsonObject,
  type JsonObject,
  type ResponseCallback,
  type RpcError,
  type RpcNotification,
} from './messages.ts';

export interface CallObserver {
  /**
   * Receives all active calls; earlier calls are no longer valid. A long snapshot arrives in several pages, of which this
   * is the first: `fetchNextPage` requests the next.
   */
  readonly onSnapshot: (calls: readonly Call[], fetchNextPage: () => void, seq: number) => void;
  /** Receives a further page of the snapshot. A change that arrived in the meantime may be newer. */
  readonly onSnapshotPage: (calls: readonly Call[], fetchNextPage: () => void) => void;
  /** The connection is back, and the missed changes follow. */
  readonly onResumed: () => void;
  readonly onCall: (call: Call, event: CallEvent, seq: number, data: unknown) => void;
  /** Receives whether the adapter of the site is connected. */
  readonly onLink: (isUp: boolean, seq: number) => void;
  readonly onRefused: (error: RpcError) => void;
  /** The connection is closed for good. */
  readonly onClosed?: (reason: CloseReason) => void;
}

export interface WatchParams {
  /** One call, or all of the site if undefined. */
  readonly callid?: string | undefined;
  /** `seq` of the last change that an earlier subscription received. */
  readonly since?: number | undefined;
}

type SendRequest = (method: string, params: object, onResponse: ResponseCallback) => void;

/** Calls per further page of the snapshot: the most that the edge allows. */
const PAGE_SIZE = 500;

export class CallSubscription {
  readonly observer: CallObserver;
  readonly callid: string | undefined;
  readonly #request: SendRequest;
  /** All changes up to this one have been received. Undefined before the first snapshot. */
  #lastSeq: number | undefined;
  /** Incremented with each `CallWatch`. Responses to an earlier one are ignored. */
  #generation = 0;
  /** False until `CallWatch` is answered: notifications before are for other subscriptions of the same socket. */
  #isActive = false;

  constructor(observer: CallObserver, { callid, since }: WatchParams, request: SendRequest) {
    this.observer = observer;
    this.callid = callid;
    this.#lastSeq = since;
    this.#request = request;
  }

  /** Sends `CallWatch` on a socket that is open. */
  subscribe(): void {
    const generation = ++this.#generation;
    const isResumed = this.#lastSeq !== undefined;
    this.#isActive = false;
    // A callback, not a promise: notifications in the same frame as the response are handled right after it.
    this.#request('CallWatch', { callid: this.callid, since: this.#lastSeq }, ({ result, error }) => {
      if (generation !== this.#generation) return;
      if (error) this.observer.onRefused(error);
      else this.#onSubscribed(result, isResumed);
    });
  }

  /** Stops calling the observer. */
  end(): void {
    this.#generation++;
    this.#isActive = false;
  }

  #onSubscribed(result: unknown, isResumed: boolean): void {
    if (!hasCalls(result)) return;
    const { calls, seq, reset, link, cursor } = result;
    if (typeof seq !== 'number') return;
    this.#isActive = true;
    if (link === 'Up' || link === 'Down') this.observer.onLink(link === 'Up', seq);
    // The missed changes follow in order, so `#lastSeq` stays where it was before the disconnect.
    if (isResumed && reset !== true) {
      this.observer.onResumed();
      return;
    }
    this.#lastSeq = seq;
    this.observer.onSnapshot(calls.filter(isCall), this.#pageFetcher(cursor), seq);
  }

  /** Changes keep arriving as notifications, so nothing is missed between two pages. */
  #pageFetcher(cursor: unknown): () => void {
    const generation = this.#generation;
    return () => {
      if (typeof cursor !== 'string' || generation !== this.#generation) return;
      const params = { state: ['ringing', 'answered', 'held', 'transferring'], limit: PAGE_SIZE, cursor };
      this.#request('CallList', params, ({ result }) => {
        if (generation !== this.#generation || !hasCalls(result)) return;
        this.observer.onSnapshotPage(result.calls.filter(isCall), this.#pageFetcher(result['cursor']));
      });
    };
  }

  /** Handles a notification `Call` or `Link`. */
  onNotification({ method, params }: RpcNotification): void {
    const { event, seq, call, data } = params;
    // A lower `seq` is part of the snapshot or was received before.
    if (!this.#isActive || typeof seq !== 'number' || seq <= (this.#lastSeq ?? 0)) return;
    if (method === 'Call' && !(isCall(call) && call.callid === (this.callid ?? call.callid))) return;
    this.#lastSeq = seq;
    if (method === 'Link') this.observer.onLink(event !== 'Down', seq);
    else if (isCall(call)) this.observer.onCall(call, event as CallEvent, seq, data);
  }
}

function hasCalls(value: unknown): value is JsonObject & { readonly calls: readonly unknown[] } {
  return isJsonObject(value) && Array.isArray(value['calls']);
}

function isCall(value: unknown): value is Call {
  return isJsonObject(value) && typeof value['callid'] === 'string' && typeof value['began'] === 'number';
}
