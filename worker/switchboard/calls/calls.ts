/**
 * The calls of a site: active ones, and for a while ended ones. They have a log of their own (see `change-recorder.ts`). Memory has the
 * active ones, as compact texts, and where the log has the ended ones, which are read when a client asks for them.
 * @module
 */
import type { CallEventName } from '../../../shared/calls/call.ts';
import { CallCorrelator } from '../../../shared/calls/call-correlator.ts';
import type { EviEvent, Leg } from '../../../shared/opensips/evi.ts';
import type { Dialog } from '../../../shared/opensips/mi.ts';
import type { Reply } from '../../../shared/protocol/link.ts';
import type { AdapterRequest } from '../../../shared/runner/mi-requests.ts';
import type { Command, Notification } from '../../../shared/runner/stored-command.ts';
import { NONE_LISTED } from '../link/change-reader.ts';
import type { CommandLog, NumberedLine } from '../store/command-log.ts';
import { AdapterCalls } from './adapter-calls.ts';
import { CallIndex } from './call-index.ts';
import type { CarriedLine, LinkLine } from './call-lines.ts';
import { CallLog } from './call-log.ts';
import { CallRecord } from './call-record.ts';
import { CallWriter, type UnloggedLines } from './call-writer.ts';
import { type CallChange, ChangeRecorder } from './change-recorder.ts';
import { EndRequests } from './end-requests.ts';
import { listCalls } from './list-calls.ts';
import { applyListed } from './listed-dialog.ts';
import type { CallPage, RecordFilter } from './listing.ts';
import { MEMORY_LIMITS } from './memory-limits.ts';
import { OpenCalls } from './open-calls.ts';
import { ReconcileState } from './reconcile-state.ts';
import {
  type CallStores,
  pruneCalls,
  readEnded,
  restoreLine,
  restoreStored,
  restoreUnlogged,
} from './restore-calls.ts';

export class Calls {
  readonly #log: CallLog;
  readonly #nextSeq: () => number;
  readonly #recorder: ChangeRecorder;
  readonly #correlator = new CallCorrelator<CallRecord>(
    (entry) => CallRecord.create(this.#openCalls, { ...this.byAdapter.withAdapter(entry), timeline: [] }),
    (record, event, at, data) => this.#onChange(record, event, at, data),
    (record) => this.#writer.requestCopy(record),
    (record) => this.#recorder.noteUnloggedState(record),
    (callid) => readEnded(this.#stores, callid),
  );
  readonly #index: CallIndex;
  readonly #openCalls: OpenCalls;
  readonly #endRequests = new EndRequests();
  #now = 0;
  readonly #stores: CallStores;
  readonly #writer: CallWriter;
  readonly #reconcile = new ReconcileState();
  /** Which adapter has which call. */
  readonly byAdapter: AdapterCalls;

  /**
   * @param nextSeq takes the next number of the site
   * @param limits what is in memory
   */
  constructor(store: CommandLog, nextSeq: () => number, limits = MEMORY_LIMITS) {
    this.#nextSeq = nextSeq;
    this.#index = new CallIndex(limits);
    this.#openCalls = new OpenCalls((record) => this.#log.read(record), limits);
    this.#recorder = new ChangeRecorder(nextSeq);
    this.#log = new CallLog(store, (callid) => this.#correlator.inMemory(callid), limits);
    this.#stores = {
      correlator: this.#correlator,
      index: this.#index,
      log: this.#log,
      recorder: this.#recorder,
      openCalls: this.#openCalls,
    };
    this.byAdapter = new AdapterCalls(this.#stores, (now) => this.#begin(now));
    this.#writer = new CallWriter(this.#log, this.#recorder, this.#index, nextSeq);
    this.#log.restore({
      onStored: (call) => restoreStored(this.#stores, call),
      onLine: this.#recorder.noteLine,
      onNewest: (line) => {
        const record = restoreLine(this.#stores, line);
        this.#add(record, record.firstSeq);
        this.#reindex(record);
      },
    });
    this.#log.beforeDrop((end, now) => {
      if (!this.#writer.copyBefore(end, now)) return false;
      pruneCalls(this.#stores, end);
      // The one before has calls that have ended since, and not those that are only in the dropped segment.
      this.#log.writeCheckpoint();
      return true;
    });
    this.#index.sort();
    // The next reconciliation round brings their parties.
    this.#reconcile.takeUnknownParties(() => undefined);
    pruneCalls(this.#stores, this.#log.firstKept);
  }

  /** Applies what was not written before a hibernation. */
  restoreUnlogged(lines: readonly CarriedLine[]): void {
    for (const line of lines) {
      const record = restoreUnlogged(this.#stores, line);
      if (record) this.#reindex(record);
    }
  }

  /** What {@link write} has left out: a hibernation must carry it. */
  get unlogged(): UnloggedLines {
    return this.#writer.unlogged;
  }

  /** Makes {@link write} leave nothing out: a client is about to see calls. */
  requestWriteOfAll(): void {
    this.#writer.requestAll();
  }

  /** The number of active calls that commands have made. */
  get countedSize(): number {
    return this.#index.countedSize;
  }

  /** The number of active calls. */
  get activeCount(): number {
    return this.#index.active.size;
  }

  /** When the oldest active call began, in Unix milliseconds; infinity if there is none. */
  get oldestBegan(): number {
    return this.#index.oldestBegan;
  }

  /** Returns a call, if it is kept. */
  get(callid: string): CallRecord | undefined {
    return this.#correlator.get(callid);
  }

  /** Returns the owner of an active call that a command has made. */
  ownerOf(callid: string): string | undefined {
    return this.#findActive(callid)?.owner;
  }

  /** Returns the state of the dialog of an active call, as far as it is known. */
  dialogOf(callid: string): 'ringing' | 'answered' | undefined {
    const call = this.#correlator.get(callid)?.call;
    if (!call || call.state === 'ended') return undefined;
    return call.answered === undefined ? 'ringing' : 'answered';
  }

  /** Returns whether a call is active, or has ended and is still kept. */
  isKnown(callid: string): boolean {
    return this.get(callid) !== undefined;
  }

  /** Returns the legs of an active call that are on hold; undefined for a call that has ended or is not known. */
  heldLegs(callid: string): readonly Leg[] | undefined {
    const record = this.#findActive(callid);
    return record && (record.call.held ?? []);
  }

  /** Sets whether any client watches calls. */
  setWatched(isWatched: boolean, now: number): void {
    this.#recorder.setWatched(isWatched, now);
  }

  /** Sets whether the site has webhooks. */
  setWebhooks(hasWebhooks: boolean): void {
    this.#recorder.setWebhooks(hasWebhooks);
  }

  /** Every change is logged until then, in Unix milliseconds: the last watcher has left before a hibernation. */
  recordUntil(until: number): void {
    this.#recorder.recordUntil(until);
  }

  /** Whether there is something to {@link write}. */
  get hasUnwritten(): boolean {
    return this.#writer.hasDue;
  }

  /** Whether there is something to send to watchers. */
  get hasOutput(): boolean {
    return this.#recorder.hasChanges;
  }

  /** A command has started. */
  onCommandStarted(command: Command, now: number): void {
    this.#begin(now, command.adapter);
    this.#correlator.onCommandStarted(command, now);
  }

  /** A command was running before a hibernation, with these requests pending. What it has changed is in the log. */
  onCommandRestored(command: Command, pending: Parameters<EndRequests['onSent']>[0]): void {
    this.#correlator.onCommandRestored(command);
    this.#endRequests.onSent(pending);
  }

  /** A command has sent a notification to its client. */
  onNotification(command: Command, notification: Notification, now: number): void {
    this.#begin(now, command.adapter);
    this.#correlator.onNotification(command, notification, now);
  }

  /** OpenSIPS has raised an event. */
  onEvent(event: EviEvent, now: number, adapter?: string): void {
    this.#begin(now, adapter);
    this.#correlator.onEvent(event, now);
  }

  /** A page of `dlg_list` contains a dialog, in that reconciliation round. */
  onDialog(dialog: Dialog, round: number, now: number, adapter?: string): void {
    this.#begin(now, adapter);
    const record = applyListed(this.#correlator, dialog, now);
    if (record && (adapter === undefined || record.adapter === adapter))
      record.lastRound = Math.max(record.lastRound, round);
  }

  /** OpenSIPS was asked at `askedAt` for a call. It has returned a dialog, which has ended only if none stood. */
  onLookUp(dialog: Dialog, askedAt: number, now: number, adapter?: string): void {
    this.#begin(now, adapter);
    this.#correlator.onDialog(dialog, askedAt, now);
  }

  /** OpenSIPS was asked at `askedAt` for a call, and did not know it. */
  onMissing(callid: string, askedAt: number, now: number, adapter?: string): void {
    if (adapter !== undefined && this.byAdapter.adapterOf(callid) !== adapter) return;
    this.#begin(now, adapter);
    this.#correlator.onMissing(callid, askedAt, now);
  }

  /** Requests of commands are sent to OpenSIPS. */
  onRequestsSent(requests: readonly AdapterRequest[]): void {
    for (const callid of this.#endRequests.onSent(requests)) this.#correlator.onEndRequested(callid);
  }

  /** OpenSIPS has replied to a request. */
  onReply(reply: Pick<Reply, 'id' | 'error' | 'outcome'>, now: number): void {
    const ended = this.#endRequests.onReply(reply);
    if (!ended) return;
    this.#now = now;
    this.#correlator.onEndReply(ended.callid, ended.isEnding, now);
  }

  /** An adapter has connected or disconnected, or has another role. */
  onLinkStatus(link: LinkLine['link'], adapters: LinkLine['adapters'], now: number): void {
    this.#recorder.recordLink(link, adapters, now);
  }

  /** Takes a number that is shown to a client and that no change will have. */
  takeSeq(): number {
    return this.#recorder.takeSeq();
  }

  /** Events may have been lost: requests a reconciliation of all active calls. */
  requestReconcile(): void {
    if (this.#index.active.size > 0 || this.#recorder.isWatched) this.#reconcile.request();
  }

  get isReconcileRequested(): boolean {
    return this.#reconcile.isRequested;
  }

  /** Returns the number of the first change of the newest call; 0 if there is none. */
  newestCall(): number {
    return this.#index.all.at(-1)?.firstSeq ?? 0;
  }

  /** A reconciliation round of these adapters begins. */
  onRoundBegun(adapters: readonly (string | undefined)[] = [undefined]): void {
    this.#reconcile.onRoundBegun(this.#index.all.at(-1), adapters);
  }

  /** See `ReconcileListener`. Ends the calls that OpenSIPS no longer knows. */
  onRoundRead(
    round: number,
    completeSince: number | undefined,
    now: number,
    adapter?: string,
    listedBefore = NONE_LISTED,
  ): readonly string[] {
    const { active } = this.#index;
    const isComplete = completeSince !== undefined;
    const { gone, unclear } = this.#reconcile.unlisted(active, round, isComplete, adapter, listedBefore);
    for (const callid of gone) this.onMissing(callid, completeSince ?? now, now, adapter);
    return unclear;
  }

  /** Removes and returns the Call-IDs of calls whose parties must be read from OpenSIPS. */
  takeUnknownParties(): string[] {
    return this.#reconcile.takeUnknownParties((callid) => this.#correlator.get(callid)?.call);
  }

  /** Returns a page of calls, the newest first. */
  list(filter: RecordFilter, limit: number, cursor?: string): CallPage {
    return listCalls(this.#stores, filter, limit, cursor);
  }

  /**
   * Returns whether the log has every change after a number, as far as it has been read: a reader of older rows may still find one that
   * has no line of its own, and reports it to {@link noteUnlogged}.
   */
  keepsChangesSince(since: number): boolean {
    return since >= Math.max(this.#recorder.lastUnlogged, this.#log.firstKept - 1);
  }

  /** Notes that a change up to `seq` has no line of its own. */
  noteUnlogged(seq: number): void {
    this.#recorder.noteUnlogged(seq);
  }

  /** Removes and returns the changes to send to watchers, once they are written. */
  takeChanges(): CallChange[] {
    return this.#recorder.takeChanges();
  }

  /** See {@link CallWriter.takeLinesForCommands}. {@link write} must follow in the same turn. */
  takeLinesForCommands(): readonly NumberedLine[] {
    return this.#writer.takeLinesForCommands();
  }

  /** Writes what has changed, if a row is due. Returns how many rows that took. */
  write(commandsFrom: number, now: number): number {
    const rows = this.#writer.write(commandsFrom, now);
    this.#openCalls.closeOthers();
    this.#log.rows.clear();
    if (this.#index.isPruneDue) pruneCalls(this.#stores, 0);
    return rows;
  }

  #begin(now: number, adapter?: string): void {
    this.#now = now;
    this.byAdapter.reporting = adapter;
  }

  #findActive(callid: string): CallRecord | undefined {
    const record = this.#correlator.get(callid);
    return record && this.#index.active.has(record) ? record : undefined;
  }

  #onChange(record: CallRecord, event: CallEventName, at: number, data: unknown): void {
    const goesOn = record.call.state !== 'ended' && this.#index.reopen(record);
    // It had ended, so that the log keeps no line of it for a restore.
    if (goesOn) this.#writer.requestCopy(record);
    const isEnded = event === 'Ended';
    if ((goesOn || isEnded) && this.#recorder.replaceEnd(record, event)) {
      this.#reindex(record);
      return;
    }
    const seq = this.#nextSeq();
    const isNew = record.firstSeq === 0;
    record.call = { ...record.call, seq };
    if (isNew) this.#add(record, seq);
    record.addEntry({ seq, at, event, ...(data === undefined ? {} : { data }) });
    const hasBegunToCount = (!isNew || isEnded) && this.#reindex(record);
    // A later hold or unhold depends on which legs are on hold, and OpenSIPS does not list it.
    const changesHold = event === 'Held' || event === 'Resumed';
    const isEssential = isNew || isEnded || goesOn || hasBegunToCount || changesHold;
    this.#recorder.record(record, isEssential, this.#now);
  }

  #add(record: CallRecord, firstSeq: number): void {
    record.firstSeq = firstSeq;
    this.#index.add(record);
    this.#reconcile.onAdded(record);
  }

  /** Moves the record to where it belongs now. Returns whether it has just begun to count. */
  #reindex(record: CallRecord): boolean {
    const hasBegunToCount = this.#index.count(record);
    if (record.call.state !== 'ended') this.#index.reopen(record);
    if (record.call.state !== 'ended' || !this.#index.end(record)) return hasBegunToCount;
    this.#log.onEnded(record);
    if (this.#index.isPruneDue) pruneCalls(this.#stores, 0);
    return false;
  }
}
