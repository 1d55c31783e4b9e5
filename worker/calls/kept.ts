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
  /** Where its newest logged copy stands. */
  copy: number;
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
}

/** A call that is carried over from a segment that is dropped: with all of its timeline. */
export interface CarriedLine extends Pick<CallLine, 'seq' | 'call' | 'owner'> {
  readonly carried: readonly Moment[];
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
    copy: 0,
    round: 0,
    isCounted: false,
    known: undefined,
    knownOrigin: false,
  });
}
