/** The compact text of a call: while nothing happens to a call, memory has this text of it and nothing else. Pure. @module */
import { CALL_STATES, type Call, type CallEventName } from '../../../shared/calls/call.ts';
import type { KnownDialog } from '../../../shared/calls/dialogs.ts';
import type { EndEvidence } from '../../../shared/calls/end-cause.ts';
import { parseJson } from '../../../shared/protocol/exact-json.ts';

/** A change in the timeline of a call; `at` is in Unix milliseconds. */
export interface TimelineEntry {
  readonly seq: number;
  readonly at: number;
  readonly event: CallEventName;
  readonly data?: unknown;
}

/** All that is known of a call. */
export interface CallContent {
  readonly call: Call;
  readonly dialogs: readonly KnownDialog[];
  readonly evidence: EndEvidence;
  readonly owner: string | undefined;
  readonly transferredTo: string | undefined;
  readonly timeline: readonly TimelineEntry[];
}

const EVENTS = [
  'Ringing',
  'Answered',
  'Held',
  'Resumed',
  'Transferring',
  'Transferred',
  'Ended',
] as const satisfies readonly CallEventName[];

/** Times are relative to the beginning of the call, states and events are their index. */
type CompactEntry = readonly [seq: number, after: number, event: number, data?: unknown];

type CompactCall = readonly [
  state: number,
  caller: string | null,
  callee: string | null,
  origin: Call['origin'],
  began: number,
  answeredAfter: number | null,
  seq: number,
  dialogs: readonly KnownDialog[],
  timeline: readonly CompactEntry[],
  owner?: string | null,
  more?: Partial<Call>,
  evidence?: EndEvidence,
  transferredTo?: string | null,
];

/** Returns the text from which {@link unpackCall} gives the call again. It does not contain the Call-ID. */
export function packCall({ call, dialogs, evidence, owner, transferredTo, timeline }: CallContent): string {
  const { callid: _, state, caller, callee, origin, began, answered, seq, ...more } = call;
  const compact: CompactCall = [
    CALL_STATES.indexOf(state),
    caller,
    callee,
    origin,
    began,
    answered === undefined ? null : answered - began,
    seq,
    dialogs,
    timeline.map((entry) => compactEntry(entry, began)),
    owner ?? null,
    more,
    evidence,
    transferredTo ?? null,
  ];
  const isPlain = isEmpty(more) && isEmpty(evidence) && transferredTo === undefined;
  return JSON.stringify(isPlain ? compact.slice(0, owner === undefined ? 9 : 10) : compact);
}

/** Returns the call of a text of {@link packCall}. */
export function unpackCall(callid: string, text: string): CallContent {
  const [state, caller, callee, origin, began, answeredAfter, seq, dialogs, timeline, owner, ...rest] =
    parseJson(text) as CompactCall;
  const [more = {}, evidence = {}, transferredTo] = rest;
  const answered = answeredAfter === null ? {} : { answered: began + answeredAfter };
  const name = CALL_STATES[state];
  if (name === undefined) throw new Error(`state: ${state} is not the index of a state of a call`);
  return {
    call: { callid, state: name, caller, callee, origin, began, ...answered, ...more, seq },
    dialogs,
    evidence,
    owner: owner ?? undefined,
    transferredTo: transferredTo ?? undefined,
    timeline: timeline.map((entry) => entryOf(entry, began)),
  };
}

function compactEntry({ seq, at, event, data }: TimelineEntry, began: number): CompactEntry {
  const entry = [seq, at - began, EVENTS.indexOf(event)] as const;
  return data === undefined ? entry : [...entry, data];
}

function entryOf([seq, after, index, data]: CompactEntry, began: number): TimelineEntry {
  const event = EVENTS[index];
  if (event === undefined) throw new Error(`event: ${index} is not the index of an event of a call`);
  return { seq, at: began + after, event, ...(data === undefined ? {} : { data }) };
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0;
}
