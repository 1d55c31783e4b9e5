/**
 * Datagrams without what differs from run to run: Call-IDs, tags, dialog ids, ports and times become names.
 * Two runs that mean the same have the same normal form.
 * @module
 */
import type { Datagram } from './trace.ts';

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => Object(value);

/** The Call-IDs that events tell of, in the order in which they first appear. */
export function callids(datagrams: readonly Datagram[]): string[] {
  const found = new Set<string>();
  for (const { dir, msg } of datagrams) {
    if (dir !== 'evi<') continue;
    const { callid, transfer_callid } = fieldsOf(fieldsOf(msg)['params']);
    for (const one of [callid, transfer_callid]) if (typeof one === 'string') found.add(one);
  }
  return [...found];
}

/** Names for the identifiers of each call. */
function identifiers(datagrams: readonly Datagram[]): Map<string, string> {
  const calls = callids(datagrams);
  const names = new Map(calls.map((callid, at) => [callid, `<call ${at}>`]));
  for (const { msg } of datagrams) {
    const { method, params } = fieldsOf(msg);
    if (method !== 'E_DLG_STATE_CHANGED') continue;
    const event = fieldsOf(params);
    for (const field of ['id', 'db_id', 'from_tag', 'to_tag']) {
      const value = event[field];
      if (typeof value === 'string')
        names.set(value, `<${field} of call ${calls.indexOf(String(event['callid']))}>`);
    }
  }
  return names;
}

/** What varies within strings, and how it is written instead. */
const VARYING: readonly [RegExp, string][] = [
  [/sip:([a-z0-9-]+?)(?:-0x[0-9a-f]+)?@127\.0\.0\.1:(?!5060\b)\d+/g, '<contact of $1>'],
  [/udp:127\.0\.0\.1:(?!5060\b)\d+/g, '<event socket>'],
  [/branch=z9hG4bK[0-9a-f]+\.[0-9a-f]+\.0/g, '<branch>'],
  [/tag=(28de\.|bcaa-)[0-9a-f]{32}/g, 'tag=$1<own tag>'],
  [/o=- \d+ \d+ /g, 'o=- <session> '],
  [/m=audio \d+ /g, 'm=audio <port> '],
  [/ssrc:\d+/g, 'ssrc:<number>'],
  [/Content-Length: [1-9]\d*/g, 'Content-Length: <length>'],
  [/[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}/g, '<ctime>'],
  [/^\d+ \[sec\]$/g, '<seconds>'],
  [/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/g, '<date>'],
];

/** Fields whose value varies as a whole; 0, 1 and nothing have a meaning and stay. */
const VARYING_FIELDS = ['timestart', 'timeout', 'caller_cseq', 'callee_cseq', 'ttl'];

/** The normal form of every datagram, as JSON text that reads well where a test fails. */
export function normalForm(datagrams: readonly Datagram[]): { dir: Datagram['dir']; text: string }[] {
  const names = identifiers(datagrams);
  return datagrams.map(({ dir, msg }) => ({ dir, text: JSON.stringify(normal(msg, '', names)) }));
}

function normal(value: unknown, field: string, names: ReadonlyMap<string, string>): unknown {
  if (VARYING_FIELDS.includes(field) && Number(value) > 1) return `<${field}>`;
  if (typeof value === 'string') return normalText(value, names);
  if (Array.isArray(value)) return normalList(value, field, names);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, normal(inner, name, names)]);
  return Object.fromEntries(entries);
}

/** Listed dialogs are sorted, since their order is that of a hash of Call-IDs; those of traces before are left out. */
function normalList(list: readonly unknown[], field: string, names: ReadonlyMap<string, string>): unknown {
  const isOurs = (dialog: unknown) => names.has(String(fieldsOf(dialog)['callid']));
  const ours = field === 'Dialogs' ? list.filter(isOurs) : list;
  const inner = ours.map((one) => normal(one, '', names));
  const callid = (dialog: unknown) => String(fieldsOf(dialog)['callid']);
  return field === 'Dialogs' ? inner.toSorted((a, b) => callid(a).localeCompare(callid(b))) : inner;
}

function normalText(value: string, names: ReadonlyMap<string, string>): string {
  let text = value;
  for (const [identifier, name] of names) text = text.replaceAll(identifier, name);
  for (const [pattern, instead] of VARYING) text = text.replace(pattern, instead);
  return text;
}
