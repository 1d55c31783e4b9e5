/** What endpoints may be told of: what happens at a site, or what its log has of it, as events. @module */
import { metadataOf } from '../../shared/stored-command.ts';
import { bodyOf, callType, commandType, type HookEvent, linkType } from '../../shared/webhooks.ts';
import type { CallLine, LinkLine } from '../calls/kept.ts';
import { linesOf } from '../calls/log.ts';
import type { Item } from '../calls/watchers.ts';
import type { Logged, Store } from '../store.ts';

/** SIP URIs of those who speak in a call. */
export type PartiesOf = (callid: string) => readonly (string | null)[];

/** All that has happened after one number of the site, up to another, in order. What is not dated is dated `now`. */
export function eventsBetween(
  store: Store,
  { after, upto }: { readonly after: number; readonly upto: number },
  partiesOf: PartiesOf,
  now: number,
): HookEvent[] {
  const events: HookEvent[] = [];
  for (const { at = now, ...logged } of store.toldBetween(after, upto))
    events.push(eventOf(logged, at, partiesOf));
  for (const { row } of store.callsFrom(after + 1)) {
    const lines = linesOf(row);
    if ((lines[0]?.seq ?? 0) > upto) break;
    for (const line of lines) {
      if (line.seq <= after || line.seq > upto || 'mark' in line || 'carried' in line) continue;
      events.push(eventOf(line, now, partiesOf));
    }
  }
  return events.sort((one, other) => one.seq - other.seq);
}

/** What a command has told, what became of a call, or of the link, as an event; `at` where it says not when itself. */
export function eventOf(item: Item, at: number, partiesOf: PartiesOf): HookEvent {
  if ('told' in item) return ofCommand(item, at, partiesOf);
  return 'link' in item ? ofLink(item, at) : ofCall(item);
}

function ofCommand({ command, told }: Logged, at: number, partiesOf: PartiesOf): HookEvent {
  const { cmdId, method, params, calls = [] } = command;
  const { seq, event, data, error } = told;
  const metadata = metadataOf(command);
  const named = [params, data].flatMap(urisIn);
  const type = commandType(method, event);
  return {
    seq,
    type,
    about: cmdId,
    body: bodyOf({ type, at, data: { seq, cmd_id: cmdId, method, event, data, error, metadata } }),
    addresses: known([...named, ...calls.flatMap(partiesOf)]),
  };
}

function ofCall({ seq, at, event, call, data }: CallLine): HookEvent {
  const type = callType(event);
  return {
    seq,
    type,
    about: call.callid,
    body: bodyOf({ type, at, data: { seq, event, call, data } }),
    addresses: known([call.caller, call.callee]),
  };
}

function ofLink({ seq, link, at }: LinkLine, now: number): HookEvent {
  const type = linkType(link);
  const body = bodyOf({ type, at: at ?? now, data: { seq, event: link } });
  return { seq, type, about: '', body, addresses: [] };
}

/** Where commands and notifications have addresses. */
const NAMED = ['caller', 'callee', 'destination'];

function urisIn(holder: unknown): (string | null)[] {
  if (typeof holder !== 'object' || holder === null) return [];
  const named = holder as Readonly<Record<string, unknown>>;
  return NAMED.map((name) => named[name]).map((value) => (typeof value === 'string' ? value : null));
}

function known(uris: readonly (string | null)[]): string[] {
  const different: string[] = [];
  for (const uri of uris) if (uri !== null && !different.includes(uri)) different.push(uri);
  return different;
}
