/**
 * Normalizes datagrams: replaces values that differ between runs (Call-IDs, tags, dialog ids, ports, times) by names.
 * Two equivalent runs have the same normal form.
 * @module
 */
import type { Datagram } from './trace.ts';

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => Object(value);

/** Returns the Call-IDs in events, in the order in which they first appear. */
export function collectCallIds(datagrams: readonly Datagram[]): string[] {
  const callids = new Set<string>();
  for (const { dir, msg } of datagrams) {
    if (dir !== 'evi<') continue;
    const { callid, transfer_callid } = fieldsOf(fieldsOf(msg)['params']);
    for (const value of [callid, transfer_callid]) if (typeof value === 'string') callids.add(value);
  }
  return [...callids];
}

const dialogEvents = (datagrams: readonly Datagram[]): readonly Fields[] =>
  datagrams
    .filter(({ msg }) => fieldsOf(msg)['method'] === 'E_DLG_STATE_CHANGED')
    .map(({ msg }) => fieldsOf(fieldsOf(msg)['params']));

/** Returns the dialog ids in events, by call in the order of {@link collectCallIds}, and within it as they appear. */
export function collectDialogIds(datagrams: readonly Datagram[]): string[] {
  const events = dialogEvents(datagrams);
  return collectCallIds(datagrams).flatMap((callid) => [
    ...new Set(events.filter((event) => event['callid'] === callid).map(({ id }) => String(id))),
  ]);
}

/** Returns a name for each identifier of a call. Two dialogs may have one Call-ID (`callee-followed`). */
function nameIdentifiers(datagrams: readonly Datagram[]): Map<string, string> {
  const callids = collectCallIds(datagrams);
  const names = new Map(callids.map((callid, n) => [callid, `<call ${n}>`]));
  const counts = new Map<string, number>();
  for (const event of dialogEvents(datagrams)) {
    for (const field of ['id', 'db_id', 'from_tag', 'to_tag']) {
      const value = event[field];
      if (typeof value !== 'string' || names.has(value)) continue;
      const name = `${field} of call ${callids.indexOf(String(event['callid']))}`;
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      names.set(value, count === 0 ? `<${name}>` : `<${name}, ${count + 1}>`);
    }
  }
  return names;
}

/** Parts of strings that vary, and their replacements. */
const VARYING_PATTERNS: readonly [RegExp, string][] = [
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

/** Fields whose whole value varies. The values 0, 1 and '' have a meaning, so they are not replaced. */
const VARYING_FIELDS = ['timestart', 'timeout', 'caller_cseq', 'callee_cseq', 'ttl'];

/** Returns the normal form of every datagram, as JSON text that is readable in the output of a failed test. */
export function normalize(datagrams: readonly Datagram[]): { dir: Datagram['dir']; text: string }[] {
  const names = nameIdentifiers(datagrams);
  return datagrams.map(({ dir, msg }) => ({ dir, text: JSON.stringify(normalizeValue(msg, '', names)) }));
}

function normalizeValue(value: unknown, field: string, names: ReadonlyMap<string, string>): unknown {
  if (VARYING_FIELDS.includes(field) && Number(value) > 1) return `<${field}>`;
  if (typeof value === 'string') return normalizeText(value, names);
  if (Array.isArray(value)) return normalizeList(value, field, names);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, normalizeValue(inner, name, names)]);
  return Object.fromEntries(entries);
}

/** Sorts listed dialogs, whose order depends on a hash of Call-IDs, and omits those of earlier traces. */
function normalizeList(list: readonly unknown[], field: string, names: ReadonlyMap<string, string>): unknown {
  const isOfTrace = (dialog: unknown) => names.has(String(fieldsOf(dialog)['callid']));
  const selected = field === 'Dialogs' ? list.filter(isOfTrace) : list;
  const normalized = selected.map((value) => normalizeValue(value, '', names));
  const callidOf = (dialog: unknown) => String(fieldsOf(dialog)['callid']);
  return field === 'Dialogs'
    ? normalized.toSorted((a, b) => callidOf(a).localeCompare(callidOf(b)))
    : normalized;
}

function normalizeText(value: string, names: ReadonlyMap<string, string>): string {
  let text = value;
  for (const [identifier, name] of names) text = text.replaceAll(identifier, name);
  for (const [pattern, replacement] of VARYING_PATTERNS) text = text.replace(pattern, replacement);
  return text;
}
