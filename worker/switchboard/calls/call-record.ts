/** How a call is kept in memory, and how its changes are written as lines of the call log. @module */
import type { Call, CallEventName, Metadata } from '../../../shared/calls/call.ts';
import type { CallEntry } from '../../../shared/calls/call-entries.ts';
import type { KnownDialog } from '../../../shared/calls/dialogs.ts';
import type { EndEvidence } from '../../../shared/calls/end-cause.ts';

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

/** What clients do not see of a call yet: it decides what they see later. */
export type HiddenState = EndEvidence & Pick<CallEntry, 'transferredTo'>;

/** What each line of a call contains. */
interface CallContent {
  readonly seq: number;
  readonly call: Call;
  readonly owner?: string;
  /** Absent if none is known. */
  readonly dialogs?: readonly KnownDialog[];
  /** Absent if there is nothing. */
  readonly hidden?: HiddenState;
}

/** A change of a call in the log. */
export interface CallLine extends CallContent, TimelineEntry {
  /** Earlier entries of the timeline that were not logged. */
  readonly before?: readonly TimelineEntry[];
  /** The number of the first change, if an earlier line contains that. */
  readonly first?: number;
  /** The entries of earlier lines, if those are in an older segment than the end of the call: it may be dropped first. */
  readonly past?: readonly TimelineEntry[];
}

/** What is known of a call has changed, although clients have seen no change. */
export interface StateLine extends CallContent {
  /** See {@link CallLine}. */
  readonly first: number;
}

/** A copy of a call with its whole timeline, which makes the lines before it unnecessary. */
export interface CopyLine extends CallContent {
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

/** A line of a call. */
export type LineOfCall = CallLine | StateLine | CopyLine;

export type LogLine = LineOfCall | LinkLine | MarkLine;

const HIDDEN_FIELDS = ['endReason', 'refusal', 'hungUpBy', 'endRequest', 'transferredTo'] as const;

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
export function applyLine(line: LineOfCall, known?: CallRecord): CallRecord {
  const { call, owner, dialogs = [], hidden } = line;
  // It is the first line of a call: an earlier one with the Call-ID was forgotten before.
  if (known && isChange(line) && line.first === undefined) {
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
  if (owner === undefined) delete record.owner;
  else record.owner = owner;
  record.dialogs = dialogs;
  for (const field of HIDDEN_FIELDS) delete record[field];
  Object.assign(record, hidden);
  if (isCopy(line)) {
    setTimeline(record, line.timeline);
  } else if (isChange(line)) {
    const { seq, at, event, data, before = [], past } = line;
    if (past) setTimeline(record, past);
    for (const entry of [...before, { seq, at, event, ...(data === undefined ? {} : { data }) }])
      addToTimeline(record, entry);
  }
  markLogged(record);
  return record;
}

/** Adds a change to the timeline of a call. */
export function addToTimeline(record: CallRecord, entry: TimelineEntry): void {
  record.timeline.push(entry);
  shortenTimeline(record);
}

function setTimeline(record: CallRecord, timeline: readonly TimelineEntry[]): void {
  record.timeline.splice(0, record.timeline.length, ...timeline);
  record.isPartial = false;
}

function shortenTimeline(record: CallRecord): void {
  while (record.timeline.length > MAX_TIMELINE_ENTRIES) {
    record.timeline.splice(1, 1);
    if (record.loggedCount > 1) record.loggedCount--;
  }
}

/** Returns the line that logs what is not logged of a record; a `seq` is only taken for a line without a change. */
export function unloggedLine(record: CallRecord, takeSeq: () => number): CallLine | StateLine {
  const unlogged = record.timeline.slice(record.loggedCount);
  const newest = unlogged.at(-1);
  if (!newest) return { seq: takeSeq(), ...contentOf(record), first: record.firstSeq };
  const before = unlogged.slice(0, -1);
  const hasFirst = (before[0] ?? newest).seq === record.firstSeq;
  return {
    ...newest,
    ...contentOf(record),
    ...(before.length > 0 ? { before } : {}),
    ...(hasFirst ? {} : { first: record.firstSeq }),
  };
}

/** Returns a copy of a record, all of which has been logged, so that what was logged before is unnecessary. */
export function copyLine(record: CallRecord, seq: number): CopyLine {
  return { seq, ...contentOf(record), timeline: [...record.timeline] };
}

/** Completes a partial record by what older lines say. */
export function prependHistory(record: CallRecord, past: CallRecord): void {
  if (!record.isPartial) return;
  record.timeline.unshift(...past.timeline);
  record.loggedCount += past.timeline.length;
  record.firstSeq = past.firstSeq;
  record.isPartial = past.isPartial;
  shortenTimeline(record);
}

/** Notes that the log contains all of the record. */
export function markLogged(record: CallRecord): void {
  record.loggedCount = record.timeline.length;
  record.loggedMetadata = record.call.metadata;
  record.isOriginLogged = record.call.origin !== null;
}

/** Returns what each line of a call contains. */
export function contentOf(record: CallRecord): Omit<CallContent, 'seq'> {
  const { call, owner, dialogs } = record;
  const hidden = HIDDEN_FIELDS.filter((field) => record[field] !== undefined);
  return {
    call,
    ...(owner === undefined ? {} : { owner }),
    ...(dialogs.length > 0 ? { dialogs } : {}),
    ...(hidden.length > 0
      ? { hidden: Object.fromEntries(hidden.map((field) => [field, record[field]])) }
      : {}),
  };
}

/** Returns the newest change in a line that has no line of its own; 0 if there is none. */
export function lastUnloggedSeq(line: LineOfCall): number {
  if (isCopy(line)) return line.unlogged ?? 0;
  return (isChange(line) && line.before?.at(-1)?.seq) || 0;
}

/** Returns whether earlier lines are needed to know the whole call. */
export function isPartialLine(line: LineOfCall): boolean {
  return !isCopy(line) && line.first !== undefined && !('past' in line);
}

/** Returns whether a line is a change of a call, which watchers are notified of. */
export function isChange(line: LogLine): line is CallLine {
  return 'event' in line;
}

/** Returns whether a line is a copy of a call, which is no change. */
export function isCopy(line: LogLine): line is CopyLine {
  return 'timeline' in line;
}

function firstSeqOf(line: LineOfCall): number {
  if (isCopy(line)) return line.timeline[0]?.seq ?? line.seq;
  return line.first ?? (isChange(line) ? line.before?.[0]?.seq : undefined) ?? line.seq;
}
