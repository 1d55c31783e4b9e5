/**
 * How a call is kept in memory: as long as nothing happens to it, as a compact text, or as the position of its newest line in the log
 * if the text is long. Whoever reads a member of the call opens it.
 * @module
 */
import type { Call, Metadata } from '../../../shared/calls/call.ts';
import type { CallEntry } from '../../../shared/calls/call-entries.ts';
import type { KnownDialog } from '../../../shared/calls/dialogs.ts';
import type { EndEvidence } from '../../../shared/calls/end-cause.ts';
import type { CheckpointCall } from './checkpoint.ts';
import { type CallContent, packCall, type TimelineEntry, unpackCall } from './compact-call.ts';

/** The length of a timeline; further entries replace those after the first. */
const MAX_TIMELINE_ENTRIES = 200;

/** Where closed calls come from, and who closes those that are open. */
export interface CallCache {
  /** Reads a call from its newest line in the log. */
  read(record: CallRecord): CallContent;
  /** A call was opened. */
  onOpened(record: CallRecord): void;
}

/** What of a call is in lines of the log, written or about to be. */
export interface LoggedPart {
  /** How many entries of the timeline. */
  readonly entryCount: number;
  readonly metadata: Metadata | undefined;
  readonly hasOrigin: boolean;
}

const NOTHING_LOGGED: LoggedPart = { entryCount: 0, metadata: undefined, hasOrigin: false };

interface OpenCall {
  call: Call;
  dialogs: readonly KnownDialog[];
  readonly evidence: EndEvidence;
  owner: string | undefined;
  transferredTo: string | undefined;
  readonly timeline: TimelineEntry[];
  logged: LoggedPart;
  /** Nothing has changed since the newest line. */
  isLogged: boolean;
}

export class CallRecord implements CallEntry {
  readonly callid: string;
  /** The number of its first change, by which calls are ordered. 0 before that. */
  firstSeq = 0;
  /** The number of its last change, if it has ended; otherwise 0. */
  endSeq = 0;
  /** The position of the row of the log that has its newest line; 0 before that is written. */
  position = 0;
  /** The number of its newest line, which is written or about to be. */
  #lineSeq = 0;
  /** The last reconciliation round that has listed it. */
  lastRound = 0;
  /** That of the call, so that it is known without opening the call. */
  adapter: string | undefined;
  /** It counts as an active call that a command has made. */
  isCounted = false;
  seenAt = Number.NEGATIVE_INFINITY;
  /** The hash of the dialog with which OpenSIPS has listed it since its last change; 0: it has changed. */
  #listedAs = 0;
  readonly #cache: CallCache;
  /** Empty if the call is only in the log. */
  #text = '';
  #open: OpenCall | undefined;

  private constructor(callid: string, cache: CallCache) {
    this.callid = callid;
    this.#cache = cache;
  }

  /** Creates the record of a call of which the log has nothing yet. */
  static create(cache: CallCache, content: CallContent): CallRecord {
    const record = new CallRecord(content.call.callid, cache);
    record.adapter = content.call.adapter;
    record.#open = openCall(content, false, NOTHING_LOGGED);
    cache.onOpened(record);
    return record;
  }

  /** Creates the record of a call from its newest line, which has this number. */
  static fromLine(cache: CallCache, content: CallContent, lineSeq: number): CallRecord {
    const record = new CallRecord(content.call.callid, cache);
    record.adapter = content.call.adapter;
    record.#open = openCall(content, true, loggedPart(content));
    record.#lineSeq = lineSeq;
    cache.onOpened(record);
    return record;
  }

  /** Creates the record of an active call that {@link toCheckpoint} has returned. It is closed. */
  static fromCheckpoint(
    cache: CallCache,
    [callid, firstSeq, position, isCounted, text, listedAs, adapter]: CheckpointCall,
  ): CallRecord {
    const record = new CallRecord(callid, cache);
    Object.assign(record, { firstSeq, position, isCounted, adapter });
    record.#text = text;
    record.#listedAs = listedAs;
    return record;
  }

  /** Returns what a restore needs of an active call that the log has all of. */
  toCheckpoint(maxText: number): CheckpointCall {
    const text = this.shortText(maxText) ?? '';
    const stored = [this.callid, this.firstSeq, this.position, this.isCounted, text, this.#listedAs] as const;
    return this.adapter === undefined ? stored : [...stored, this.adapter];
  }

  /** Sets all but the timeline. Metadata and origin are in the log. */
  applyState(state: Omit<CallContent, 'timeline'>): void {
    const { timeline, logged, isLogged } = this.#opened;
    this.#listedAs = 0;
    const content = { ...state, timeline };
    this.adapter = state.call.adapter;
    this.#open = openCall(content, isLogged, { ...loggedPart(content), entryCount: logged.entryCount });
  }

  /** OpenSIPS has listed it with a dialog of this hash, and all that the dialog tells is known now. */
  onListed(hash: number): void {
    this.#listedAs = hash;
  }

  /** Whether a dialog of this hash tells nothing new. It says so only of a call that need not be opened for that. */
  isListedAs(hash: number): boolean {
    return !this.#open && this.#listedAs === hash;
  }

  get call(): Call {
    return this.#opened.call;
  }

  /** {@link markLogged} or {@link markChanged} must follow. */
  set call(call: Call) {
    const open = this.#opened;
    open.call = call;
    this.adapter = call.adapter;
    open.isLogged = false;
    this.#listedAs = 0;
  }

  get dialogs(): readonly KnownDialog[] {
    return this.#opened.dialogs;
  }

  set dialogs(dialogs: readonly KnownDialog[]) {
    this.#opened.dialogs = dialogs;
    this.#listedAs = 0;
  }

  get evidence(): EndEvidence {
    return this.#opened.evidence;
  }

  get owner(): string | undefined {
    return this.#opened.owner;
  }

  set owner(owner: string | undefined) {
    this.#opened.owner = owner;
  }

  get transferredTo(): string | undefined {
    return this.#opened.transferredTo;
  }

  set transferredTo(callid: string | undefined) {
    this.#opened.transferredTo = callid;
  }

  get timeline(): readonly TimelineEntry[] {
    return this.#opened.timeline;
  }

  get changedAt(): number {
    const { call, timeline } = this.#opened;
    return timeline.at(-1)?.at ?? call.began;
  }

  get logged(): LoggedPart {
    return this.#opened.logged;
  }

  /** Returns the call without opening it. */
  peek(): CallContent {
    return this.#open ?? this.#closedContent();
  }

  /** Returns the text of the call; undefined if that has more than `maxText` characters, so that the call is only in the log. */
  shortText(maxText: number): string | undefined {
    const text = this.#open ? packCall(this.#open) : this.#text;
    return text === '' || text.length > maxText ? undefined : text;
  }

  /** Adds a change to the timeline. */
  addEntry(entry: TimelineEntry): void {
    const open = this.#opened;
    open.timeline.push(entry);
    while (open.timeline.length > MAX_TIMELINE_ENTRIES) {
      open.timeline.splice(1, 1);
      const { entryCount } = open.logged;
      if (entryCount > 1) open.logged = { ...open.logged, entryCount: entryCount - 1 };
    }
  }

  /** Replaces the newest change of the timeline. */
  replaceEntry(entry: TimelineEntry): void {
    this.#opened.timeline.splice(-1, 1, entry);
  }

  /** Notes that a line with this number has all of the call. */
  markLogged(seq: number): void {
    const open = this.#opened;
    open.logged = loggedPart(open);
    open.isLogged = true;
    this.#lineSeq = seq;
  }

  /** Notes that something of the call is in no line. */
  markChanged(): void {
    this.#opened.isLogged = false;
  }

  /** Whether the log has all of the call. */
  get isWritten(): boolean {
    return (this.#open?.isLogged ?? true) && this.position >= this.#lineSeq;
  }

  /**
   * Keeps the call as a text of at most `maxText` characters, or only in the log. Returns false if it must stay open, because the log does
   * not have all of it.
   */
  close(maxText: number): boolean {
    const open = this.#open;
    if (!open) return true;
    if (!open.isLogged) return false;
    const text = this.shortText(maxText);
    if (text === undefined && !this.isWritten) return false;
    this.#text = text ?? '';
    this.#open = undefined;
    return true;
  }

  get #opened(): OpenCall {
    if (this.#open) return this.#open;
    const content = this.#closedContent();
    const open = openCall(content, true, loggedPart(content));
    this.#open = open;
    this.#text = '';
    this.#cache.onOpened(this);
    return open;
  }

  #closedContent(): CallContent {
    return this.#text === '' ? this.#cache.read(this) : unpackCall(this.callid, this.#text);
  }
}

function openCall(
  { call, dialogs, evidence, owner, transferredTo, timeline }: CallContent,
  isLogged: boolean,
  logged: LoggedPart,
): OpenCall {
  return {
    ...{ call, dialogs, evidence, owner, transferredTo, logged, isLogged },
    timeline: [...timeline],
  };
}

function loggedPart({ call, timeline }: CallContent): LoggedPart {
  return { entryCount: timeline.length, metadata: call.metadata, hasOrigin: call.origin !== null };
}
