/**
 * Compares the calls with the dialogs of OpenSIPS. A round reads the whole `dlg_list` page by page, which finds calls whose
 * events were lost. Calls that no page contains are then read by their Call-ID, because pages shift while they are read. Pending
 * requests are kept in memory only: the next round repeats what a lost round has not finished.
 * @module
 */
import { MI_TIMEOUT_MS } from '../../../shared/commands/deadlines.ts';
import { type Dialog, DialogResult, DialogsResult, NOT_FOUND } from '../../../shared/opensips/mi.ts';
import type { MiRequest, Reply } from '../../../shared/protocol/link.ts';

/** Pending requests for single calls: the requests of commands wait behind them. */
const MAX_CALLS_PENDING = 32;

/** Calls in the queue whose parties are unknown. The next round brings those that found no room. */
const MAX_QUEUED_CALLS = 1_000;

/** Dialogs in a page: with SDP each has 2 to 4 KB, and a reply of more than 65,457 bytes fails as a whole. */
const PAGE_SIZE = 12;

/** Pending pages: OpenSIPS walks its table to the beginning of each. */
const MAX_PAGES_PENDING = 2;

/** Attempts for a page without a reply. */
const MAX_PAGE_ATTEMPTS = 3;

/** Receives the results. */
export interface ReconcileListener {
  /** A page of the list contains the dialog. There may be others with its Call-ID, even on other pages. */
  onDialog(dialog: Dialog, round: number): void;
  /**
   * OpenSIPS was asked at `askedAt`, in Unix milliseconds, for a Call-ID. The adapter returns a dialog that stands, if there is
   * one, although OpenSIPS itself looks at the first one only.
   */
  onLookUp(dialog: Dialog, askedAt: number): void;
  /** OpenSIPS was asked at `askedAt`, and had no dialog with that Call-ID. */
  onMissing(callid: string, askedAt: number): void;
  /** All pages of a round are read. Returns the Call-IDs to read one by one. */
  onRoundRead(round: number): readonly string[];
}

type PendingRequest =
  | { readonly type: 'page'; readonly index: number; readonly counter: number; readonly attempts: number }
  | { readonly type: 'call'; readonly callid: string; readonly askedAt: number };
type PendingPage = Extract<PendingRequest, { type: 'page' }>;
type PendingCall = Extract<PendingRequest, { type: 'call' }>;

export class DialogReconciler {
  readonly #listener: ReconcileListener;
  /** Begins request ids, unlike those of any command: the runner ignores the replies. */
  readonly #idPrefix = `reconcile-${crypto.randomUUID()}`;
  #requestCount = 0;
  /** By request id. */
  readonly #pending = new Map<string, PendingRequest>();
  #pageQueue: PendingPage[] = [];
  #pagesPending = 0;
  /** Where the next page begins, and the number of dialogs, which is infinity until the first page is read. */
  #nextIndex = 0;
  #total = 0;
  #pageSize = PAGE_SIZE;
  #round = 0;
  #isReadingPages = false;
  /** Call-IDs to read one by one, in order. */
  readonly #callQueue = new Set<string>();
  #callsPending = 0;
  #now = 0;
  #lastReplyAt = 0;
  #requests: MiRequest[] = [];

  constructor(listener: ReconcileListener) {
    this.#listener = listener;
  }

  /** Begins a round, unless one is running that still gets replies. Returns whether it has begun. */
  begin(now: number): boolean {
    if (this.isPending && now - this.#lastReplyAt <= MI_TIMEOUT_MS) return false;
    this.#now = now;
    this.reset();
    this.#round++;
    this.#isReadingPages = true;
    this.#lastReplyAt = now;
    this.#nextIndex = 0;
    this.#total = Number.POSITIVE_INFINITY;
    this.#pageSize = PAGE_SIZE;
    this.#requestPages();
    return true;
  }

  /** Reads the parties of these calls, as far as the queue has room. */
  readUnknownParties(callids: Iterable<string>, now: number): void {
    this.#now = now;
    for (const callid of callids) if (this.#callQueue.size < MAX_QUEUED_CALLS) this.#callQueue.add(callid);
    this.#requestCalls();
  }

  /** Drops all pending requests: those on a closed socket may be lost. */
  reset(): void {
    this.#pending.clear();
    this.#pageQueue = [];
    this.#pagesPending = 0;
    this.#callQueue.clear();
    this.#callsPending = 0;
    this.#requests = [];
    this.#isReadingPages = false;
  }

  /** Whether requests are pending. */
  get isPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether there are requests to send. */
  get hasOutput(): boolean {
    return this.#requests.length > 0;
  }

  /** Removes and returns the requests to send. */
  takeRequests(): MiRequest[] {
    return this.#requests.splice(0);
  }

  /** Handles an adapter's reply. Replies to other requests are ignored. */
  onReply(reply: Pick<Reply, 'id' | 'result' | 'error'>, now: number): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    this.#now = now;
    this.#lastReplyAt = now;
    if (pending.type === 'call') this.#onCallReply(pending, reply);
    else this.#onPageReply(pending, reply);
    this.#requestCalls();
  }

  #onCallReply({ callid, askedAt }: PendingCall, { result, error }: Pick<Reply, 'result' | 'error'>): void {
    this.#callsPending--;
    const found = DialogResult.safeParse(result);
    if (found.success) this.#listener.onLookUp(found.data.Dialog, askedAt);
    else if (error?.code === NOT_FOUND) this.#listener.onMissing(callid, askedAt);
  }

  #onPageReply(page: PendingPage, { result, error }: Pick<Reply, 'result' | 'error'>): void {
    this.#pagesPending--;
    const found = DialogsResult.safeParse(result);
    if (found.success) {
      for (const dialog of found.data.Dialogs) this.#listener.onDialog(dialog, this.#round);
      const { count, Dialogs } = found.data;
      if (Dialogs.length < page.counter) this.#total = Math.min(this.#total, page.index + Dialogs.length);
      else if (this.#total === Number.POSITIVE_INFINITY) this.#total = count ?? this.#total;
    } else if (error && page.counter > 1) {
      // A page that does not fit into a datagram fails with 500: it is read in halves.
      const half = Math.ceil(page.counter / 2);
      this.#pageSize = Math.min(this.#pageSize, half);
      this.#pageQueue.push({ ...page, counter: half });
      this.#pageQueue.push({ ...page, index: page.index + half, counter: page.counter - half });
    } else if (!error && page.attempts < MAX_PAGE_ATTEMPTS) {
      this.#pageQueue.push({ ...page, attempts: page.attempts + 1 });
    } else {
      // The rest of the list cannot be read: its calls are read one by one.
      this.#total = Math.min(this.#total, page.index);
      this.#pageQueue = this.#pageQueue.filter(({ index }) => index < this.#total);
    }
    this.#requestPages();
  }

  #requestPages(): void {
    while (this.#isReadingPages && this.#pagesPending < MAX_PAGES_PENDING) {
      const page = this.#pageQueue.shift() ?? this.#nextPage();
      if (!page) break;
      this.#pagesPending++;
      this.#request(page, { index: page.index, counter: page.counter });
    }
    if (!this.#isReadingPages || this.#pagesPending > 0) return;
    this.#isReadingPages = false;
    for (const callid of this.#listener.onRoundRead(this.#round)) this.#callQueue.add(callid);
    this.#requestCalls();
  }

  #nextPage(): PendingPage | undefined {
    // The number of dialogs is unknown before the first page is read.
    const isTotalUnknown = this.#total === Number.POSITIVE_INFINITY && this.#pagesPending > 0;
    if (isTotalUnknown || this.#nextIndex >= this.#total) return undefined;
    const page = { type: 'page', index: this.#nextIndex, counter: this.#pageSize, attempts: 1 } as const;
    this.#nextIndex += this.#pageSize;
    return page;
  }

  #requestCalls(): void {
    for (const callid of this.#callQueue) {
      if (this.#callsPending >= MAX_CALLS_PENDING) return;
      this.#callQueue.delete(callid);
      this.#callsPending++;
      this.#request({ type: 'call', callid, askedAt: this.#now }, { callid });
    }
  }

  #request(pending: PendingRequest, params: MiRequest['params']): void {
    const id = `${this.#idPrefix}.${this.#requestCount++}`;
    this.#pending.set(id, pending);
    this.#requests.push({
      type: 'mi',
      id,
      method: 'dlg_list',
      params,
      timeout_ms: MI_TIMEOUT_MS,
      ttl_ms: MI_TIMEOUT_MS,
    });
  }
}
