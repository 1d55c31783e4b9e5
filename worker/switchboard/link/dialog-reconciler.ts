/**
 * Compares the calls with the dialogs of OpenSIPS. A round asks the adapter for what has changed in the list, or, of an adapter that
 * does not take that, reads the whole `dlg_list` page by page. This finds calls whose events were lost, and calls that have ended. If
 * the list could not be read without gaps, calls that it does not contain are read by their Call-ID. Pending requests are kept in memory only: the next round repeats what a lost round has not finished.
 * @module
 */
import { LIST_TIMEOUT_MS, MI_TIMEOUT_MS } from '../../../shared/commands/deadlines.ts';
import { type Dialog, DialogResult, DialogsResult, NOT_FOUND } from '../../../shared/opensips/mi.ts';
import { type ListPosition, ListResult } from '../../../shared/protocol/dialog-list.ts';
import type { ListMessage, MiRequest, Reply } from '../../../shared/protocol/link.ts';
import { ChangeReader, type ListedCalls, type ListSource, NO_LIST, NONE_LISTED } from './change-reader.ts';
import { type LookUpPurpose, LookUpQueue } from './look-up-queue.ts';
import { FIRST_SETTINGS, type Page, PageReader } from './page-reader.ts';

/**
 * A reply that is this late was lost, in milliseconds: a request waits in the adapter for its time to live at most, and then for
 * the reply of OpenSIPS.
 */
const LATEST_REPLY_MS = 2 * MI_TIMEOUT_MS;

/** Calls that were not in the list and the next round looks up again. Of more, the whole list is read. */
const MAX_UNLISTED = 100;

/** Receives the results. */
export interface ReconcileListener {
  /** The list contains the dialog. There may be others with its Call-ID, even on other pages. */
  onDialog(dialog: Dialog, round: number, now: number): void;
  /**
   * OpenSIPS was asked at `askedAt`, in Unix milliseconds, for a Call-ID. The adapter returns a dialog that stands, if there is
   * one, although OpenSIPS itself looks at the first one only.
   */
  onLookUp(dialog: Dialog, askedAt: number, now: number): void;
  /** OpenSIPS was asked at `askedAt`, and had no dialog with that Call-ID. */
  onMissing(callid: string, askedAt: number, now: number): void;
  /**
   * The list of a round is read. Returns the Call-IDs to read one by one.
   * @param completeSince when the round began, in Unix milliseconds, if the list contains every dialog that stood all the time;
   * undefined if some may be missing
   * @param listedBefore calls that were in the list before, and are not missing
   */
  onRoundRead(
    round: number,
    completeSince: number | undefined,
    now: number,
    listedBefore: ListedCalls,
  ): readonly string[];
  /** Returns the number of the first change of the newest call. */
  newestCall(): number;
}

/** A request of a round for the list, or for a single call. */
export type ReconcileRequest = MiRequest | ListMessage;

type PendingRequest =
  | { readonly type: 'page'; readonly page: Page }
  | { readonly type: 'changes' }
  | {
      readonly type: 'call';
      readonly callid: string;
      readonly purpose: LookUpPurpose;
      readonly askedAt: number;
    };
type PendingPage = Extract<PendingRequest, { type: 'page' }>;
type PendingCall = Extract<PendingRequest, { type: 'call' }>;

export class DialogReconciler {
  readonly #listener: ReconcileListener;
  /** Begins request ids, unlike those of any command: the runner ignores the replies. */
  readonly #idPrefix = `reconcile-${crypto.randomUUID()}`;
  #requestCount = 0;
  /** By request id. */
  readonly #pending = new Map<string, PendingRequest>();
  #round = 0;
  #roundBeganAt = 0;
  /** The pages of the running round; undefined when they are read. */
  #pages: PageReader | undefined;
  /** The changes of the running round; undefined when they are read, or where pages are. */
  #changes: ChangeReader | undefined;
  /** What the running round results in when all of its calls are read; undefined if one could not be. */
  #position: ListPosition | undefined;
  readonly #list: ListSource;
  #readSettings = FIRST_SETTINGS;
  readonly #lookUps = new LookUpQueue();
  #now = 0;
  /** When the running round has begun, or its last reply has arrived. The replies about other calls do not count. */
  #lastRoundReplyAt = 0;
  #requests: ReconcileRequest[] = [];

  constructor(listener: ReconcileListener, list: ListSource = NO_LIST) {
    this.#listener = listener;
    this.#list = list;
  }

  /** Begins a round, unless one is running that still gets replies. Returns whether it has begun. */
  begin(now: number): boolean {
    if (this.isRoundRunning && now < this.roundLostAt) return false;
    this.#now = now;
    this.#dropRound();
    this.#dropLostLookUps(now);
    this.#round++;
    this.#roundBeganAt = now;
    this.#lastRoundReplyAt = now;
    if (this.#list.takesRequests) {
      this.#changes = new ChangeReader(this.#list.listPosition, this.#listener.newestCall());
      this.#requestChanges(this.#changes);
    } else this.#readPages();
    this.#requestCalls();
    return true;
  }

  /** Reads the parties of these calls, as far as the queue has room. */
  readUnknownParties(callids: Iterable<string>, now: number): void {
    this.#now = now;
    this.#lookUps.addUnknownParties(callids);
    this.#requestCalls();
  }

  /** Drops all pending requests: those on a closed socket may be lost. */
  reset(): void {
    this.#dropRound();
    this.#drop(() => true);
    this.#lookUps.clear();
    this.#requests = [];
  }

  /** Whether a round is running: it reads the list, or calls that were not in it. */
  get isRoundRunning(): boolean {
    return this.#pages !== undefined || this.#changes !== undefined || this.#lookUps.hasUnlisted;
  }

  /** When a running round without a further reply counts as lost, in Unix milliseconds: another one can begin then. */
  get roundLostAt(): number {
    return this.#lastRoundReplyAt + (this.#changes ? LIST_TIMEOUT_MS : LATEST_REPLY_MS);
  }

  /** Whether requests are pending, of a round or others. */
  get isPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether there are requests to send. */
  get hasOutput(): boolean {
    return this.#requests.length > 0;
  }

  /** Removes and returns the requests to send. */
  takeRequests(): ReconcileRequest[] {
    return this.#requests.splice(0);
  }

  /** Handles an adapter's reply. Replies to other requests are ignored. */
  onReply(reply: Pick<Reply, 'id' | 'result' | 'error'>, now: number): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    this.#now = now;
    if (pending.type !== 'call' || pending.purpose === 'round') this.#lastRoundReplyAt = now;
    if (pending.type === 'call') this.#onCallReply(pending, reply);
    else if (pending.type === 'page') this.#onPageReply(pending, reply);
    else this.#onChanges(reply);
    this.#requestCalls();
    if (this.#position === undefined || this.isRoundRunning) return;
    this.#list.listPosition = this.#position;
    this.#position = undefined;
  }

  #onCallReply(
    { callid, purpose, askedAt }: PendingCall,
    { result, error }: Pick<Reply, 'result' | 'error'>,
  ): void {
    this.#lookUps.onFinished(purpose);
    const found = DialogResult.safeParse(result);
    const isMissing = !found.success && error?.code === NOT_FOUND;
    if (found.success) this.#listener.onLookUp(found.data.Dialog, askedAt, this.#now);
    else if (isMissing) this.#listener.onMissing(callid, askedAt, this.#now);
    if (purpose !== 'round') return;
    if (found.success || isMissing) this.#onUnlisted(callid);
    else this.#forgetPosition();
  }

  /**
   * The list of the adapter does not contain a call, so its changes do not say when the call ends: the next round looks it up again,
   * if it is still active and not listed then. A call that OpenSIPS does not know may be about to begin.
   */
  #onUnlisted(callid: string): void {
    const position = this.#position;
    if (!position) return;
    const unlisted = [...position.unlisted, callid];
    if (unlisted.length <= MAX_UNLISTED) this.#position = { ...position, unlisted };
    else this.#forgetPosition();
  }

  #onChanges({ result }: Pick<Reply, 'result'>): void {
    const changes = this.#changes;
    const found = ListResult.safeParse(result);
    if (!changes) return;
    if (!found.success) {
      // An adapter that cannot read the list this way may read its pages.
      this.#changes = undefined;
      this.#forgetPosition();
      this.#readPages();
      return;
    }
    for (const dialog of found.data.dialogs) this.#listener.onDialog(dialog, this.#round, this.#now);
    for (const callid of found.data.gone) this.#listener.onMissing(callid, this.#roundBeganAt, this.#now);
    changes.onResult(found.data);
    if (!changes.hasEnded) {
      this.#requestChanges(changes);
      return;
    }
    this.#changes = undefined;
    this.#position = changes.position;
    this.#onListRead(changes.isComplete, changes.listedBefore);
  }

  /** The next round reads the whole list: a call that was not in it could not be read. */
  #forgetPosition(): void {
    this.#position = undefined;
    this.#list.listPosition = undefined;
  }

  #onPageReply({ page }: PendingPage, { result, error }: Pick<Reply, 'result' | 'error'>): void {
    const found = DialogsResult.safeParse(result);
    if (found.success)
      for (const dialog of found.data.Dialogs) this.#listener.onDialog(dialog, this.#round, this.#now);
    const pageResult = found.success
      ? { dialogs: found.data.Dialogs, count: found.data.count }
      : error
        ? 'refused'
        : 'no reply';
    const again = this.#pages?.onReply(page, pageResult);
    if (again) this.#requestPage(again);
    this.#requestPages();
  }

  #readPages(): void {
    this.#pages = new PageReader(this.#readSettings);
    this.#requestPages();
  }

  #requestPages(): void {
    const pages = this.#pages;
    for (const page of pages?.next() ?? []) this.#requestPage(page);
    if (!pages?.hasEnded) return;
    this.#pages = undefined;
    this.#readSettings = pages.nextSettings;
    this.#onListRead(pages.isComplete, NONE_LISTED);
  }

  #onListRead(isComplete: boolean, listedBefore: ListedCalls): void {
    const completeSince = isComplete ? this.#roundBeganAt : undefined;
    this.#lookUps.addUnlisted(
      this.#listener.onRoundRead(this.#round, completeSince, this.#now, listedBefore),
    );
    this.#requestCalls();
  }

  #requestPage(page: Page): void {
    const { index, counter } = page;
    this.#request({ type: 'page', page }, { index, counter });
  }

  #requestCalls(): void {
    for (let lookUp = this.#lookUps.next(); lookUp; lookUp = this.#lookUps.next())
      this.#request(
        { type: 'call', ...lookUp, askedAt: this.#now },
        { callid: lookUp.callid },
        lookUp.purpose === 'parties',
      );
  }

  #dropRound(): void {
    this.#pages = undefined;
    this.#changes = undefined;
    this.#position = undefined;
    this.#lookUps.clearUnlisted();
    this.#drop((pending) => pending.type !== 'call' || pending.purpose === 'round');
  }

  /** Frees the places of requests whose replies were lost. */
  #dropLostLookUps(now: number): void {
    this.#drop((pending) => pending.type === 'call' && now >= pending.askedAt + LATEST_REPLY_MS);
  }

  /** Waits no longer for the replies to some requests. */
  #drop(isDropped: (pending: PendingRequest) => boolean): void {
    for (const [id, pending] of this.#pending) {
      if (!isDropped(pending)) continue;
      this.#pending.delete(id);
      if (pending.type === 'call') this.#lookUps.onFinished(pending.purpose);
    }
  }

  /** @param mayWait whether the reply may come later if nobody watches */
  #request(pending: PendingRequest, params: MiRequest['params'], mayWait = false): void {
    const id = this.#nextId(pending);
    this.#requests.push({
      type: 'mi',
      id,
      method: 'dlg_list',
      params,
      timeout_ms: MI_TIMEOUT_MS,
      ttl_ms: MI_TIMEOUT_MS,
      ...(mayWait ? { may_wait: true } : {}),
    });
  }

  #requestChanges({ request }: ChangeReader): void {
    const id = this.#nextId({ type: 'changes' });
    const limits = { timeout_ms: LIST_TIMEOUT_MS, ttl_ms: LIST_TIMEOUT_MS };
    this.#requests.push({ type: 'list', id, method: 'changes', params: request, ...limits });
  }

  #nextId(pending: PendingRequest): string {
    const id = `${this.#idPrefix}.${this.#requestCount++}`;
    this.#pending.set(id, pending);
    return id;
  }
}
