/** What the log of a site has of what happened, as the events that endpoints may be told of. @module */
import { metadataOf } from '../../shared/stored-command.ts';
import {
  bodyOf,
  callType,
  commandType,
  type Filter,
  type HookEvent,
  linkType,
  wanting,
} from '../../shared/webhooks.ts';
import type { CallLine, LinkLine } from '../calls/kept.ts';
import { linesOf } from '../calls/log.ts';
import type { Calls } from '../calls.ts';
import type { Logged, Store } from '../store.ts';
import type { Page, Wanted } from './intake.ts';
import { ENOUGH } from './lane.ts';

/** Numbers that are read together: with a page's events before them these are 95 events at most, of 64 KB. */
const TOGETHER = 64;

/** Numbers to a page, where little of them is wanted: that takes some milliseconds, and calls go between. */
const MOST_NUMBERS = 512;

/** Characters to a page, or the first that go past it: with what is read together, far from the 32 MB that an RPC carries. */
const MOST_LENGTH = 1_048_576;

/** SIP URIs of those who speak in a call. */
type PartiesOf = (callid: string) => readonly (string | null)[];

/** The beginning of what is wanted: so much as is sent soon. What is not dated is dated `now`. */
export function pageOf(store: Store, wanted: Wanted, calls: Calls, now: number): Page {
  const from = Math.min(wanted.upto, Math.max(wanted.after, store.segments.kept - 1));
  const end = Math.min(wanted.upto, from + MOST_NUMBERS);
  const events: HookEvent[] = [];
  let length = 0;
  let after = from;
  while (after < end && events.length < ENOUGH && length < MOST_LENGTH) {
    const upto = Math.min(end, after + TOGETHER);
    const some = eventsBetween(store, { ...wanted, after, upto }, (callid) => partiesIn(calls, callid), now);
    events.push(...some);
    for (const { body } of some) length += body.length;
    after = upto;
  }
  return { events, upto: after, lost: from - wanted.after };
}

/** All that has happened after one number of the site, up to another, and that the filter wants, in order. */
export function eventsBetween(
  store: Store,
  { after, upto, events, addresses }: Filter & { readonly after: number; readonly upto: number },
  partiesOf: PartiesOf,
  now: number,
): HookEvent[] {
  const drafts: Draft[] = [];
  for (const { at = now, ...logged } of store.toldBetween(after, upto))
    drafts.push(ofCommand(logged, at, partiesOf));
  for (const { row } of store.callsFrom(after + 1)) {
    const lines = linesOf(row);
    if ((lines[0]?.seq ?? 0) > upto) break;
    for (const line of lines) {
      if (line.seq <= after || line.seq > upto || 'mark' in line || 'carried' in line) continue;
      drafts.push('link' in line ? ofLink(line, now) : ofCall(line));
    }
  }
  return drafts
    .filter(wanting({ events, addresses }))
    .map(({ type, about, at, data }) => {
      return { seq: data.seq, type, about, body: bodyOf({ type, at, data }) };
    })
    .sort((one, other) => one.seq - other.seq);
}

/** An event before anybody wants it: what it takes to find that out, and to make it. */
interface Draft {
  readonly type: string;
  readonly about: string;
  readonly at: number;
  readonly data: { readonly seq: number; readonly [member: string]: unknown };
  /** SIP URIs of those whom it is about, looked up when asked for. */
  readonly addresses: readonly string[];
}

function ofCommand({ command, told }: Logged, at: number, partiesOf: PartiesOf): Draft {
  const { cmdId, method, params, calls = [] } = command;
  const { seq, event, data, error } = told;
  return {
    type: commandType(method, event),
    about: cmdId,
    at,
    data: { seq, cmd_id: cmdId, method, event, data, error, metadata: metadataOf(command) },
    get addresses() {
      return known([...[params, data].flatMap(urisIn), ...calls.flatMap(partiesOf)]);
    },
  };
}

function ofCall({ seq, at, event, call, data }: CallLine): Draft {
  const addresses = known([call.caller, call.callee]);
  return { type: callType(event), about: call.callid, at, data: { seq, event, call, data }, addresses };
}

function ofLink({ seq, link, at }: LinkLine, now: number): Draft {
  return { type: linkType(link), about: '', at: at ?? now, data: { seq, event: link }, addresses: [] };
}

/** Also of a call that has ended: what is told of it may be read long after. */
function partiesIn(calls: Calls, callid: string): (string | null)[] {
  const call = calls.find(callid)?.call;
  return call ? [call.caller, call.callee] : [];
}

/** Where commands and notifications have addresses. */
const NAMED = ['caller', 'callee', 'destination'];

function urisIn(holder: unknown): (string | null)[] {
  if (typeof holder !== 'object' || holder === null) return [];
  const named = holder as Readonly<Record<string, unknown>>;
  return NAMED.map((name) => named[name]).map((value) => (typeof value === 'string' ? value : null));
}

function known(uris: readonly (string | null)[]): string[] {
  return uris.filter((uri) => uri !== null);
}
