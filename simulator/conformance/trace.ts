/** A recorded trace, and what its first line says about the phones. */
import { readdirSync, readFileSync } from 'node:fs';
import { BARESIP, KEEP, type Manner } from '../index.ts';

const FOLDER = new URL('../traces/', import.meta.url);

/** One datagram. `mi>` is a request, `mi<` a reply, `evi<` an event. */
export type Datagram = { readonly t: number; readonly dir: 'mi>' | 'mi<' | 'evi<'; readonly msg: unknown };

export type Trace = {
  readonly name: string;
  readonly manners: Readonly<Record<string, Manner>>;
  readonly datagrams: readonly Datagram[];
};

/** What a first line says of a phone, and the trait that it means. */
const PHRASES: Readonly<Record<string, Manner>> = {
  'answers at once; hangs the first leg up by itself as soon as the new call has begun; copies the URI it was called under into From':
    BARESIP,
  'answers at once; keeps the first leg until told; a last notify': KEEP,
  '180 and nothing more': { ...KEEP, answer: { kind: 'rings' } },
  'answers after 2 s': { ...KEEP, answer: { kind: 'answers', afterMs: 2_000 } },
  'as alice, and notifies 180 Ringing too': { ...KEEP, notifiesRinging: true },
  'as alice, but cancels its new call after 600 ms': { ...KEEP, givesUpAfterMs: 600 },
  'as alice, but hangs the first leg up 20 ms before it starts the new call': {
    ...KEEP,
    firstLeg: 'hangs up early',
  },
  "as early, and strips the URI's parameters from To": {
    ...KEEP,
    firstLeg: 'hangs up early',
    stripsParameters: true,
  },
  '603 to REFER': { ...KEEP, refusesRefer: true },
  '488 to a re-INVITE': { ...KEEP, refusesReinvite: true },
  '486 to an INVITE with Replaces': { ...KEEP, refusesReplaces: true },
  '486': { ...KEEP, answer: { kind: 'refuses', status: '486 Busy Here' } },
  '603': { ...KEEP, answer: { kind: 'refuses', status: '603 Decline' } },
};

/** The phones of these traces strip the URI's parameters, as their `to_uri` shows; their first lines don't say so. */
const STRIPPING = ['attended', 'start-ok-leg-kept'];

/** The names of all traces. */
export const TRACES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.jsonl'))
  .map((file) => file.replace('.jsonl', ''));

/** Throws where the first line says something of a phone that `PHRASES` does not know. */
export function readTrace(name: string): Trace {
  const lines = readFileSync(new URL(`${name}.jsonl`, FOLDER), 'utf8')
    .trimEnd()
    .split('\n');
  const [note, ...datagrams] = lines.map((line) => JSON.parse(line));
  const manners: Record<string, Manner> = {};
  for (const [user, phrase] of Object.entries<string>(note.phones)) {
    const manner = PHRASES[phrase];
    if (manner === undefined) throw new Error(`${name}: nobody knows a phone that is "${phrase}"`);
    manners[user] = STRIPPING.includes(name) ? { ...manner, stripsParameters: true } : manner;
  }
  return { name, manners, datagrams: datagrams.flatMap(withItsRequest) };
}

/** The recorder did not write down the datagram that is no JSON (`about`). */
function withItsRequest(datagram: Datagram): Datagram[] {
  const lost = datagram.dir === 'mi<' && datagram.msg === '400 Parse_error';
  return lost ? [{ t: datagram.t, dir: 'mi>', msg: 'no JSON' }, datagram] : [datagram];
}
