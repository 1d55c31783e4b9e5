/** How a call is kept in memory, and how its changes are written as lines of the call log. @module */
import type { Call, CallEventName, Metadata } from '../../../shared/calls/call.ts';
import type { CallEntry } from '../../../shared/calls/call-entries.ts';
import type { KnownDialog } from '../../../shared/calls/dialogs.ts';

/** A change in the timeline of a call; `at` is in Unix milliseconds. */
export interface TimelineEntry {
  readonly seq: number;
  readonly at: number;
  readonly event: CallEventName;
  readonly data?: unknown;
}

/** A call in memory. */
export interface CallRecord extends CallEntry {
  /** The number of its first change, by which calls are ordered. 0 before that. */
  firstSeq: number;
  readonly timeline: TimelineEntry[];
  /** How many entries of the timeline are in the log. */
  loggedCount: number;
  /** Only its latest changes have been read from the log. */
  isPartial: boolean;
  /** The last reconciliation round that has listed it. */
  lastRound: number;
  /** It counts as an active call that a command has made. */
  isCounted: boolean;
  /** What the log contains of these already. */
  loggedMetadata: Metadata | undefined;
  isOriginLogged: boolean;
}

/** A change of a call in the log. */
export interface CallLine extends TimelineEntry {
  readonly call: Call;
  readonly owner?: string;
  /** Absent if none is known. */
  readonly dialogs?: readonly KnownDialog[];
  /** Earlier entries of the timeline that were not logged. */
  readonly before?: readonly TimelineEntry[];
  /** The number of the first change, if an earlier line contains that. */
  readonly first?: number;
}

/** A copy of a call with its whole timeline, which makes the lines before it unnecessary. */
export interface CopyLine extends Pick<CallLine, 'seq' | 'call' | 'owner' | 'dialogs'> {
  readonly timeline: readonly TimelineEntry[];
  /** The newest entry that has no line of its own. */
  readonly unlogged?: number;
}

/** A change of the link to the adapter. */
export interface LinkLine {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly link: 'Down' | 'Up';
}

/** A number that was shown to a client, and so must not be used again. */
export interface MarkLine {
  readonly seq: number;
  readonly mark: true;
}

export type LogLine = CallLine | CopyLine | LinkLine | MarkLine;

/** The length of a timeline; further entries replace those after the first. */
const MAX_TIMELINE_ENTRIES = 200;

/** Creates the record of a call that has just become known. */
export function newRecord(entry: CallEntry): CallRecord {
  return Object.assign(entry, {
    firstSeq: 0,
    timeline: [],
    loggedCount: 0,
    isPartial: false,
    lastRound: 0,
    isCounted: false,
    loggedMetadata: undefined,
    isOriginLogged: false,
  });
}

/** Applies a line of the log to the record that earlier lines have given, or creates the record. */
export function applyLine(line: CallLine | CopyLine, known?: CallRecord): CallRecord {
  const { call, owner, dialogs } = line;
  // It is the first line of a call: an earlier one with the Call-ID was forgotten before.
  if (known && !isCopy(line) && line.first === undefined && known.timeline.length > 0) {
    Object.assign(known, { firstSeq: firstSeqOf(line), isPartial: false });
    known.timeline.length = 0;
  }
  const record =
    known ??
    Object.assign(newRecord({ call, dialogs: [] }), {
      firstSeq: firstSeqOf(line),
      isPartial: isPartialLine(line),
    });
  record.call = call;
  if (owner !== undefined) record.owner = owner;
  if (dialogs) record.dialogs = dialogs;
  if (isCopy(line)) {
    record.timeline.splice(0, record.timeline.length, ...line.timeline);
    record.isPartial = false;
  } else {
    const { seq, at, event, data, before = [] } = line;
    record.timeline.push(...before, { seq, at, event, ...(data === undefined ? {} : { data }) });
  }
  markLogged(record);
  return record;
}

/** Adds a change to the timeline of a call. */
export function addToTimeline(record: CallRecord, entry: TimelineEntry): void {
  if (record.timeline.length >= MAX_TIMELINE_ENTRIES) {
    record.timeline.splice(1, 1);
    if (record.loggedCount > 1) record.loggedCount--;
  }
  record.timeline.push(entry);
}

/** Returns a copy of the record for the log, which then contains all of it. */
export function copyLine(record: CallRecord, seq: number): CopyLine {
  const { call, loggedCount, timeline } = record;
  const unlogged = loggedCount < timeline.length ? { unlogged: call.seq } : {};
  markLogged(record);
  return { seq, ...contentOf(record), timeline: [...timeline], ...unlogged };
}

/** Completes a partial record by what older lines say. */
export function prependHistory(record: CallRecord, past: CallRecord): void {
  if (!record.isPartial) return;
  record.timeline.unshift(...past.timeline);
  record.loggedCount += past.timeline.length;
  record.firstSeq = past.firstSeq;
  record.isPartial = past.isPartial;
}

/** Notes that the log contains all of the record. */
export function markLogged(record: CallRecord): void {
  record.loggedCount = record.timeline.length;
  record.loggedMetadata = record.call.metadata;
  record.isOriginLogged = record.call.origin !== null;
}

/** Returns what each line of a call contains. */
export function contentOf({
  call,
  owner,
  dialogs,
}: CallRecord): Pick<CallLine, 'call' | 'owner' | 'dialogs'> {
  return {
    call,
    ...(owner === undefined ? {} : { owner }),
    ...(dialogs.length > 0 ? { dialogs } : {}),
  };
}

/** Returns the newest change in a line that has no line of its own; 0 if there is none. */
export function lastUnloggedSeq(line: CallLine | CopyLine): number {
  return (isCopy(line) ? line.unlogged : line.before?.at(-1)?.seq) ?? 0;
}

/** Returns whether earlier lines are needed to know the whole call. */
export function isPartialLine(line: CallLine | CopyLine): boolean {
  return !isCopy(line) && line.first !== undefined;
}

/** Returns whether a line is a copy of a call, which is no change. */
export function isCopy(line: LogLine): line is CopyLine {
  return 'timeline' in line;
}

function firstSeqOf(line: CallLine | CopyLine): number {
  if (isCopy(line)) return line.timeline[0]?.seq ?? line.seq;
  return line.first ?? line.before?.[0]?.seq ?? line.seq;
}
