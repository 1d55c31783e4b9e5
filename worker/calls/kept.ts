/** How calls are kept: what stands in memory, and what a row of their log holds. @module */
import type { Entry } from '../../shared/call-book.ts';
import type { Call, CallEventName, Metadata } from '../../shared/calls.ts';

/** A line of a call's timeline; `at` in Unix milliseconds. */
export interface Moment {
  readonly seq: number;
  readonly at: number;
  readonly event: CallEventName;
  readonly data?: unknown;
}

/** A call in memory. */
export interface Kept extends Entry {
  /** The number of its first change: its place among all calls. 0 until then. */
  first: number;
  readonly timeline: Moment[];
  /** So many of the timeline are logged. */
  logged: number;
  /** Only what came last of it has been read from the log. */
  isPartial: boolean;
  /** The last round of the survey that has seen it. */
  round: number;
  /** It is counted among those that stand for a command. */
  isCounted: boolean;
  /** What the log knows of it already. */
  known: Metadata | undefined;
  knownOrigin: boolean;
}

/** What became of a call, as it is logged. */
export interface CallLine extends Moment {
  readonly call: Call;
  readonly owner?: string;
  /** Moments before it that were not logged. */
  readonly before?: readonly Moment[];
  /** The number of its first change, where an earlier line has that. */
  readonly first?: number;
}

/** A call that is written anew with all of its timeline, so that lines before this one are not needed. */
export interface CarriedLine extends Pick<CallLine, 'seq' | 'call' | 'owner'> {
  readonly carried: readonly Moment[];
  /** The newest of these moments that has no line of its own. */
  readonly unlogged?: number;
}

/** The link went or came. */
export interface LinkLine {
  readonly seq: number;
  /** Unix milliseconds. */
  readonly at?: number;
  readonly link: 'Down' | 'Up';
}

/** A number that was told to somebody: none after it may be given twice. */
export interface MarkLine {
  readonly seq: number;
  readonly mark: true;
}

export type Line = CallLine | CarriedLine | LinkLine | MarkLine;

/** A call that has just come to be known. */
export function keep(entry: Entry): Kept {
  return Object.assign(entry, {
    first: 0,
    timeline: [],
    logged: 0,
    isPartial: false,
    round: 0,
    isCounted: false,
    known: undefined,
    knownOrigin: false,
  });
}

/** A call as a line of the log tells of it, on top of what the lines before it told. */
export function retold(line: CallLine | CarriedLine, known?: Kept): Kept {
  const { call, owner } = line;
  const kept = known ?? Object.assign(keep({ call }), { first: firstIn(line), isPartial: isPart(line) });
  kept.call = call;
  if (owner !== undefined) kept.owner = owner;
  if ('carried' in line) {
    kept.timeline.splice(0, kept.timeline.length, ...line.carried);
    kept.isPartial = false;
  } else {
    const { seq, at, event, data, before = [] } = line;
    kept.timeline.push(...before, { seq, at, event, ...(data === undefined ? {} : { data }) });
  }
  markLogged(kept);
  return kept;
}

/** Puts before what is known of a call what came before, where that is missing. */
export function complete(known: Kept, past: Kept): void {
  if (!known.isPartial) return;
  known.timeline.unshift(...past.timeline);
  known.logged += past.timeline.length;
  known.first = past.first;
  known.isPartial = past.isPartial;
}

/** The log has all of it from now on. */
export function markLogged(kept: Kept): void {
  kept.logged = kept.timeline.length;
  kept.known = kept.call.metadata;
  kept.knownOrigin = kept.call.origin !== null;
}

/** The newest change that a line tells of and that has no line of its own; 0 where there is none. */
export function unloggedIn(line: CallLine | CarriedLine): number {
  return ('carried' in line ? line.unlogged : line.before?.at(-1)?.seq) ?? 0;
}

/** Does it take earlier lines to know the call whole? */
export function isPart(line: CallLine | CarriedLine): boolean {
  return !('carried' in line) && line.first !== undefined;
}

function firstIn(line: CallLine | CarriedLine): number {
  if ('carried' in line) return line.carried[0]?.seq ?? line.seq;
  return line.first ?? line.before?.[0]?.seq ?? line.seq;
}
