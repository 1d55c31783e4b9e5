/** The lines of the call log. Each line of a call has all that is known of it, so the newest one makes those before unnecessary. @module */
import type { Call } from '../../../shared/calls/call.ts';
import type { CallEntry } from '../../../shared/calls/call-entries.ts';
import type { KnownDialog } from '../../../shared/calls/dialogs.ts';
import type { EndEvidence } from '../../../shared/calls/end-cause.ts';
import type { AdapterRole } from '../../../shared/protocol/link.ts';
import type { CallRecord } from './call-record.ts';
import type { CallContent, TimelineEntry } from './compact-call.ts';

/** What clients do not see of a call yet: it decides what they see later. */
type HiddenState = EndEvidence & Partial<Pick<CallEntry, 'transferredTo'>>;

/** What each line of a call contains beside its timeline. */
interface LineContent {
  readonly call: Call;
  readonly owner?: string;
  /** Absent if none is known. */
  readonly dialogs?: readonly KnownDialog[];
  /** Absent if there is nothing. */
  readonly hidden?: HiddenState;
}

/** A change of a call in the log. */
export interface CallLine extends LineContent, TimelineEntry {
  /** The earlier entries of the timeline; absent if there are none. */
  readonly past?: readonly TimelineEntry[];
  /** The newest of the earlier entries that have no line of their own; absent if all have one. */
  readonly unlogged?: number;
}

/** A copy of a call that is no change: what clients do not see of it has changed, or its newest line is too old. */
export interface CopyLine extends LineContent {
  readonly seq: number;
  readonly timeline: readonly TimelineEntry[];
}

/** What a hibernation carries of a call: what the log has no line of. */
export interface CarriedLine extends LineContent {
  /** The entries of the timeline after those in the log. */
  readonly entries: readonly TimelineEntry[];
}

/** A change of the link to the adapters. */
export interface LinkLine {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly link: 'Down' | 'Up';
  /** Those that are connected, the active one first. */
  readonly adapters: readonly AdapterRole[];
}

/** A number that was shown to a client, and so must not be used again. */
export interface MarkLine {
  readonly seq: number;
  readonly mark: true;
}

/** A line of a call. */
export type LineOfCall = CallLine | CopyLine;

export type LogLine = LineOfCall | LinkLine | MarkLine;

/** Returns the line of what is not logged of a record; a `seq` is only taken for a line without a change. */
export function unloggedLine(record: CallRecord, takeSeq: () => number): LineOfCall {
  const { timeline, logged } = record;
  const newest = timeline.at(-1);
  const unloggedCount = timeline.length - logged.entryCount;
  if (!newest || unloggedCount === 0) return copyLine(record, takeSeq());
  const past = timeline.slice(0, -1);
  const unlogged = unloggedCount > 1 ? past.at(-1)?.seq : undefined;
  return {
    ...newest,
    ...lineContent(record),
    ...(past.length > 0 ? { past } : {}),
    ...(unlogged === undefined ? {} : { unlogged }),
  };
}

/** Returns a copy of a record. */
export function copyLine(record: CallRecord, seq: number): CopyLine {
  return { seq, ...lineContent(record), timeline: [...record.timeline] };
}

/** Returns what a hibernation must carry of a record. */
export function carriedLine(record: CallRecord): CarriedLine {
  return { ...lineContent(record), entries: record.timeline.slice(record.logged.entryCount) };
}

/** Returns what each line of a call contains beside its timeline. */
export function lineContent({ call, owner, dialogs, evidence, transferredTo }: CallEntry): LineContent {
  const hidden = { ...evidence, ...(transferredTo === undefined ? {} : { transferredTo }) };
  return {
    call,
    ...(owner === undefined ? {} : { owner }),
    ...(dialogs.length > 0 ? { dialogs } : {}),
    ...(Object.keys(hidden).length > 0 ? { hidden } : {}),
  };
}

/** Returns all that a line tells of a call. */
export function contentOf(line: LineOfCall): CallContent {
  return { ...stateOf(line), timeline: timelineOf(line) };
}

/** Returns what a line tells of a call beside its timeline. */
export function stateOf({
  call,
  owner,
  dialogs = [],
  hidden = {},
}: LineContent): Omit<CallContent, 'timeline'> {
  const { transferredTo, ...evidence } = hidden;
  return { call, owner, dialogs, evidence, transferredTo };
}

/** Returns the number of the first change of the call of a line. */
export function firstSeqOf(line: LineOfCall): number {
  const [first] = isChange(line) ? (line.past ?? []) : line.timeline;
  return first?.seq ?? line.seq;
}

/** Returns the newest change in a line that has no line of its own; 0 if there is none. */
export function lastUnloggedSeq(line: LineOfCall): number {
  return (isChange(line) && line.unlogged) || 0;
}

/** Returns whether a line is a change of a call, which watchers are notified of. */
export function isChange(line: LogLine): line is CallLine {
  return 'event' in line;
}

function timelineOf(line: LineOfCall): readonly TimelineEntry[] {
  if (!isChange(line)) return line.timeline;
  const { seq, at, event, data, past = [] } = line;
  return [...past, { seq, at, event, ...(data === undefined ? {} : { data }) }];
}
