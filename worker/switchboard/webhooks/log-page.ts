/** Reads pages of the site's log as webhook events. @module */
import {
  callEventType,
  commandEventType,
  type EventFilter,
  eventMatcher,
  linkEventType,
  type WebhookEvent,
  webhookBody,
} from '../../../shared/protocol/webhooks/events.ts';
import { metadataOf } from '../../../shared/runner/stored-command.ts';
import { REFILL_THRESHOLD } from '../../webhooks/endpoint-queue.ts';
import type { LogPage, LogRange } from '../../webhooks/log-range.ts';
import { type CallLine, isChange, type LinkLine } from '../calls/call-lines.ts';
import type { Calls } from '../calls/calls.ts';
import { linesOf } from '../calls/row-reader.ts';
import type { CommandLog, LoggedNotification } from '../store/command-log.ts';

/** Numbers that are read at a time. With the events before them a page has at most 95 events of 64 KB. */
const READ_STEP = 64;

/** Numbers in a page of which few match: reading them takes some milliseconds, and calls are handled between pages. */
const MAX_PAGE_NUMBERS = 512;

/** Characters at which a page is full: with the events of one more step it is far below the 32 MB of an RPC. */
const MAX_PAGE_CHARACTERS = 1_048_576;

/** Returns the SIP URIs of the parties of a call. */
type PartiesOf = (callid: string) => readonly (string | null)[];

/** Returns the beginning of a range, as much as is delivered soon. Events without a time get the time `now`. */
export function readLogPage(log: CommandLog, range: LogRange, calls: Calls, now: number): LogPage {
  const start = Math.min(range.lastSeq, Math.max(range.afterSeq, log.segments.firstKept - 1));
  const end = Math.min(range.lastSeq, start + MAX_PAGE_NUMBERS);
  const events: WebhookEvent[] = [];
  let characters = 0;
  let position = start;
  while (position < end && events.length < REFILL_THRESHOLD && characters < MAX_PAGE_CHARACTERS) {
    const step = { ...range, afterSeq: position, lastSeq: Math.min(end, position + READ_STEP) };
    const read = readEvents(log, step, (callid) => partiesOf(calls, callid), now);
    events.push(...read);
    for (const { body } of read) characters += body.length;
    position = step.lastSeq;
  }
  return { events, lastSeq: position, lostCount: start - range.afterSeq };
}

/** Returns all events of a range that match its filter, in order. */
export function readEvents(
  log: CommandLog,
  { afterSeq, lastSeq, events, addresses }: EventFilter & Pick<LogRange, 'afterSeq' | 'lastSeq'>,
  findParties: PartiesOf,
  now: number,
): WebhookEvent[] {
  const candidates: Candidate[] = [];
  for (const { at = now, ...logged } of log.notificationsBetween(afterSeq, lastSeq))
    candidates.push(ofNotification(logged, at, findParties));
  for (const { row } of log.callsFrom(afterSeq + 1)) {
    const lines = linesOf(row);
    if ((lines[0]?.seq ?? 0) > lastSeq) break;
    for (const line of lines) {
      if (line.seq <= afterSeq || line.seq > lastSeq) continue;
      if ('link' in line) candidates.push(ofLink(line));
      else if (isChange(line)) candidates.push(ofCall(line));
    }
  }
  return candidates
    .filter(eventMatcher({ events, addresses }))
    .map(({ type, orderingKey, at, data }) => {
      return { seq: data.seq, type, orderingKey, body: webhookBody({ type, at, data }) };
    })
    .sort((one, other) => one.seq - other.seq);
}

/** An event before it is matched: what the filter needs, and what its body is made of. */
interface Candidate {
  readonly type: string;
  readonly orderingKey: string;
  readonly at: number;
  readonly data: { readonly seq: number; readonly [member: string]: unknown };
  /** The SIP URIs of the parties. A getter, because finding them is expensive. */
  readonly addresses: readonly string[];
}

function ofNotification(
  { command, notification }: LoggedNotification,
  at: number,
  findParties: PartiesOf,
): Candidate {
  const { cmdId, method, params, callids = [] } = command;
  const { seq, event, data, error } = notification;
  return {
    type: commandEventType(method, event),
    orderingKey: cmdId,
    at,
    data: { seq, cmd_id: cmdId, method, event, data, error, metadata: metadataOf(command) },
    get addresses() {
      return withoutNull([...[params, data].flatMap(addressesIn), ...callids.flatMap(findParties)]);
    },
  };
}

function ofCall({ seq, at, event, call, data }: CallLine): Candidate {
  return {
    type: callEventType(event),
    orderingKey: call.callid,
    at,
    data: { seq, event, call, data },
    addresses: withoutNull([call.caller, call.callee]),
  };
}

function ofLink({ seq, link, adapters, at }: LinkLine): Candidate {
  return {
    type: linkEventType(link),
    orderingKey: '',
    at,
    data: { seq, event: link, adapters },
    addresses: [],
  };
}

/** The call may have ended long before its events are read. */
function partiesOf(calls: Calls, callid: string): (string | null)[] {
  const call = calls.get(callid)?.call;
  return call ? [call.caller, call.callee] : [];
}

/** The members of params and notifications that contain addresses. */
const ADDRESS_MEMBERS = ['caller', 'callee', 'destination'];

function addressesIn(value: unknown): (string | null)[] {
  if (typeof value !== 'object' || value === null) return [];
  const members = value as Readonly<Record<string, unknown>>;
  return ADDRESS_MEMBERS.map((name) => members[name]).map((uri) => (typeof uri === 'string' ? uri : null));
}

function withoutNull(uris: readonly (string | null)[]): string[] {
  return uris.filter((uri) => uri !== null);
}
