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
   * is the first: `fetchNextPage` requests the next. It is undefined if the snapshot is complete.
   */
  readonly onSnapshot: (calls: readonly Call[], fetchNextPage: (() => void) | undefined, seq: number) => void;
  /** Receives a further page of the snapshot. A change that arrived in the meantime may be newer. */
  readonly onSnapshotPage: (calls: readonly Call[], fetchNextPage: (() => void) | undefined) => void;
  /** The connection is back, and the missed changes follow. The missing pages of a snapshot do as well. */
  readonly onResumed: () => void;
  readonly onCall: (call: Call, event: CallEvent, seq: number, data: unknown) => void;
  /** Receives whether the adapter of the site is connected. */
  readonly onLink: (isUp: boolean, seq: number) => void;
  /** The edge refuses the subscription, or a page of its snapshot. Nothing follows until the next reconnect. */
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

/** The error of a snapshot, or a page of it, that cannot be read: without it, a part would be taken for the whole. */
const UNREADABLE: RpcError = {
  code: -32603,
  message: 'Internal error',
  data: 'The edge has sent a list of calls that this client cannot read. Update the client.',
};

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
  /** Cursor of the next page of the snapshot. Undefined if the snapshot is complete. */
  #cursor: string | undefined;
  /** Whether the observer waits for that page. */
  #isPageWanted = false;

  constructor(observer: CallObserver, { callid, since }: WatchParams, request: SendRequest) {
    this.observer = observer;
    this.callid = callid;
    this.#lastSeq = since;
    this.#request = request;
  }

  /** Sends `CallWatch` on a socket that is open. */
  subscribe(): void {
    const resumedFrom = this.#lastSeq;
    this.#isActive = false;
    this.#generation++;
    this.#send('CallWatch', { callid: this.callid, since: resumedFrom }, (result) =>
      this.#onSubscribed(result, resumedFrom),
    );
  }

  /** Stops calling the observer. */
  end(): void {
    this.#generation++;
    this.#isActive = false;
    this.#lastSeq = undefined;
    this.#cursor = undefined;
  }

  /** Sends a request. If the response is an error or has no calls, the subscription ends: it would stay incomplete. */
  #send(method: string, params: object, onResult: (result: CallsResult) => void): void {
    const generation = this.#generation;
    // A callback, not a promise: notifications in the same frame as the response are handled right after it.
    this.#request(method, params, ({ result, error }) => {
      if (generation !== this.#generation) return;
      if (!error && hasCalls(result)) onResult(result);
      else this.#refuse(error ?? UNREADABLE);
    });
  }

  #refuse(error: RpcError): void {
    this.end();
    this.observer.onRefused(error);
  }

  #onSubscribed({ calls, seq, reset, link, cursor }: CallsResult, resumedFrom: number | undefined): void {
    if (typeof seq !== 'number') {
      this.#refuse(UNREADABLE);
      return;
    }
    this.#isActive = true;
    const isResumed = resumedFrom !== undefined && reset !== true;
    // Whoever stores this number and resumes from it must not miss the changes that are still to come.
    if (link === 'Up' || link === 'Down') this.observer.onLink(link === 'Up', isResumed ? resumedFrom : seq);
    // The missed changes follow in order, so `#lastSeq` stays where it was before the disconnect.
    if (isResumed) {
      this.observer.onResumed();
      // Also the page that was under way. Later ones are requested as usual.
      if (this.#isPageWanted) this.#fetchPage();
      return;
    }
    this.#lastSeq = seq;
    this.observer.onSnapshot(calls.filter(isCall), this.#nextPageAt(cursor), seq);
  }

  /** Returns the function that requests the page at a cursor; undefined if the snapshot is complete. */
  #nextPageAt(cursor: unknown): (() => void) | undefined {
    this.#cursor = typeof cursor === 'string' ? cursor : undefined;
    this.#isPageWanted = false;
    if (this.#cursor === undefined) return undefined;
    return () => {
      if (cursor !== this.#cursor || this.#isPageWanted) return;
      this.#isPageWanted = true;
      if (this.#isActive) this.#fetchPage();
    };
  }

  /** Changes keep arriving as notifications, so nothing is missed between two pages, nor if they are on different sockets. */
  #fetchPage(): void {
    const params = {
      state: ['ringing', 'answered', 'held', 'transferring'],
      limit: PAGE_SIZE,
      cursor: this.#cursor,
    };
    this.#send('CallList', params, ({ calls, cursor }) =>
      this.observer.onSnapshotPage(calls.filter(isCall), this.#nextPageAt(cursor)),
    );
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

type CallsResult = JsonObject & { readonly calls: readonly unknown[] };

function hasCalls(value: unknown): value is CallsResult {
  return isJsonObject(value) && Array.isArray(value['calls']);
}

function isCall(value: unknown): value is Call {
  return isJsonObject(value) && typeof value['callid'] === 'string' && typeof value['began'] === 'number';
}
