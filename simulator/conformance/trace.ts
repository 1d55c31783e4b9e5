/** Reads a recorded trace, and the phone behavior described in its first line. @module */
import { readdirSync, readFileSync } from 'node:fs';
import { BARESIP_PHONE, KEEP_PHONE, type PhoneBehavior } from '../index.ts';
import { behaviorOf } from '../phones/behavior.ts';

const TRACE_FOLDER = new URL('../traces/', import.meta.url);

/** One datagram. `mi>` is a request, `mi<` a reply, `evi<` an event. */
export type Datagram = { readonly t: number; readonly dir: 'mi>' | 'mi<' | 'evi<'; readonly msg: unknown };

export type Trace = {
  readonly name: string;
  /** The recorded OpenSIPS: `3.6.8`. */
  readonly version: string;
  /** By user part. */
  readonly behaviors: Readonly<Record<string, PhoneBehavior>>;
  readonly datagrams: readonly Datagram[];
};

/** The phrases in the first lines of traces, and the behavior that each describes. */
const BEHAVIOR_BY_PHRASE: Readonly<Record<string, PhoneBehavior>> = {
  'answers at once; hangs the first leg up by itself as soon as the new call has begun; copies the URI it was called under into From':
    BARESIP_PHONE,
  'answers at once; keeps the first leg until told; a last notify': KEEP_PHONE,
  '180 and nothing more': { ...KEEP_PHONE, onInvite: { kind: 'ring' } },
  'answers after 2 s': { ...KEEP_PHONE, onInvite: { kind: 'answer', afterMs: 2_000 } },
  'as alice, and notifies 180 Ringing too': { ...KEEP_PHONE, notifiesRinging: true },
  'as alice, but cancels its new call after 600 ms': { ...KEEP_PHONE, cancelsAfterMs: 600 },
  'as alice, but hangs the first leg up 20 ms before it starts the new call': {
    ...KEEP_PHONE,
    firstLeg: 'hang up early',
  },
  "as early, and strips the URI's parameters from To": {
    ...KEEP_PHONE,
    firstLeg: 'hang up early',
    stripsUriParameters: true,
  },
  '603 to REFER': { ...KEEP_PHONE, refusesRefer: true },
  '488 to a re-INVITE': { ...KEEP_PHONE, refusesReinvite: true },
  '486 to an INVITE with Replaces': { ...KEEP_PHONE, refusesReplaces: true },
  '486': { ...KEEP_PHONE, onInvite: { kind: 'refuse', status: '486 Busy Here' } },
  'answers at once; after a REFER copies nothing, uses its own identity, keeps the first leg until told':
    KEEP_PHONE,
  // It places a call before its process is stopped: see replay.ts.
  'answers at once, then its process is stopped': KEEP_PHONE,
  'answers at once': KEEP_PHONE,
  // In the traces where nothing else is said of the phone, alice is such a phone.
  'as alice': KEEP_PHONE,
  'as alice, and follows a 302 or 407 on its new call with the same Call-ID': behaviorOf('follow'),
  '202 to REFER, then nothing': behaviorOf('lazy'),
  '302 to vm': behaviorOf('redir'),
  '407 to an INVITE without Proxy-Authorization, else answers': behaviorOf('gw'),
  'not registered: the script answers 404': behaviorOf('nobody'),
  '486 to INVITE': behaviorOf('phone-busy'),
  '603': { ...KEEP_PHONE, onInvite: { kind: 'refuse', status: '603 Decline' } },
};

/** The phones of these traces strip the URI's parameters: `to_uri` shows it, their first lines do not say it. */
const TRACES_WITHOUT_URI_PARAMETERS = ['attended', 'start-ok-leg-kept'];

/** In these traces the second answer of `gw` overtook its provisional response: the state goes from 1 to 3. */
const TRACES_WITHOUT_RINGING: Readonly<Record<string, string>> = { 'callee-followed-4.0': 'gw' };

/** The names of all traces. */
export const TRACE_NAMES = readdirSync(TRACE_FOLDER)
  .filter((file) => file.endsWith('.jsonl'))
  .map((file) => file.replace('.jsonl', ''));

/** Reads a trace. Throws if the first line describes a phone with a phrase that `BEHAVIOR_BY_PHRASE` does not have. */
export function readTrace(name: string): Trace {
  const lines = readFileSync(new URL(`${name}.jsonl`, TRACE_FOLDER), 'utf8')
    .trimEnd()
    .split('\n');
  const [note, ...datagrams] = lines.map((line) => JSON.parse(line));
  const behaviors: Record<string, PhoneBehavior> = {};
  for (const [user, phrase] of Object.entries<string>(note.phones)) {
    const behavior = BEHAVIOR_BY_PHRASE[phrase];
    if (behavior === undefined) throw new Error(`${name}: unknown phone behavior "${phrase}"`);
    behaviors[user] = {
      ...behavior,
      ...(TRACES_WITHOUT_URI_PARAMETERS.includes(name) && { stripsUriParameters: true }),
      ...(TRACES_WITHOUT_RINGING[name] === user && { skipsRinging: true }),
    };
  }
  return { name, version: note.opensips, behaviors, datagrams: datagrams.flatMap(restoreRequest) };
}

/** The id of the requests with which the recorder ended its subscriptions. It recorded only the replies. */
const RECORDER_ID = 9999;

/** Restores the request that is not JSON, which the recorder omitted (`about`), and drops replies to its own requests. */
function restoreRequest(datagram: Datagram): Datagram[] {
  if (Object(datagram.msg).id === RECORDER_ID) return [];
  const isMissing = datagram.dir === 'mi<' && datagram.msg === '400 Parse_error';
  return isMissing ? [{ t: datagram.t, dir: 'mi>', msg: 'no JSON' }, datagram] : [datagram];
}
