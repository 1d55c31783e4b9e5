/** All attacks, by the names that `--attack` takes. @module */
import type { Attack } from '../attack.ts';
import { batches, manySockets, manySubjects, waits } from './rates.ts';
import { eventsSince, listPages, repeats, resumeUnread, watchSince, watchSinceBound } from './replay.ts';
import { adapterUpgrades, noCloseAnswer, reconnectLoop, reconnectSame, upgrades } from './sockets.ts';
import { storeAll, storeEchoes } from './storage.ts';
import { eventsUnread, repliesUnread } from './unread.ts';

export interface AttackEntry {
  /** What it does, for the report. */
  readonly title: string;
  readonly run: Attack;
  /** What the edge must do about it: at least one of these refusals or closes. Absent: what is not read is not sent, and that is all. */
  readonly refusals?: RegExp;
  /** `ulimit -n` of the edge, which then is `npm start` as a whole; absent: the limit of this machine, and bare workerd. */
  readonly descriptors?: number;
  /** The limit `stored_bytes` of the attacker's site, in which its database must stay. */
  readonly storedBytes?: number;
}

/** A refusal by a limit (-32003, 429) or because all places are taken (503), or a close: 4408, 4413, 4429, or without a frame. */
const ANY_LIMIT = /^(-32003|429|503|4408|4413|4429|0)\b/;
/** The least that can be set. */
const MIN_STORED_BYTES = 16_777_216;
const DESCRIPTORS = [256, 1_024, 20_000];

export const ATTACKS: Readonly<Record<string, AttackEntry>> = {
  'watch-since': {
    title: '300 × CallWatch {since: 1} on one socket',
    run: watchSince,
    refusals: ANY_LIMIT,
  },
  'watch-since-bound': {
    title: 'the same by a token without calls',
    run: watchSinceBound,
    refusals: ANY_LIMIT,
  },
  'events-since': { title: '30 × GET /v1/events?since=1', run: eventsSince, refusals: ANY_LIMIT },
  'resume-unread': {
    title: '40 × ?session=…&since=1, never read',
    run: resumeUnread,
  },
  'list-pages': { title: 'CallList of 500 and CommandGet', run: listPages, refusals: ANY_LIMIT },
  repeats: { title: 'repeats of an ended command', run: repeats, refusals: ANY_LIMIT },
  'replies-unread': {
    title: '10 sockets that never read their replies',
    run: repliesUnread,
    refusals: ANY_LIMIT,
  },
  'events-unread': { title: '20 event streams, never read', run: eventsUnread },
  'reconnect-same': { title: 'connects ?session=same in a loop', run: reconnectSame, refusals: ANY_LIMIT },
  'no-close-answer': {
    title: 'connects, and never answers Close frames',
    run: noCloseAnswer,
    refusals: ANY_LIMIT,
  },
  'adapter-upgrades': { title: 'adapters connect in a loop', run: adapterUpgrades, refusals: ANY_LIMIT },
  'reconnect-loop': { title: 'connects and leaves in a loop', run: reconnectLoop, refusals: ANY_LIMIT },
  'many-sockets': { title: '150 sockets of a token at 40/s each', run: manySockets, refusals: ANY_LIMIT },
  'many-subjects': {
    title: '150 sockets of 50 tokens at 40/s each',
    run: manySubjects,
    refusals: ANY_LIMIT,
  },
  batches: { title: '20 sockets send batches of 100', run: batches, refusals: ANY_LIMIT },
  'store-commands': {
    title: '50 sockets store the longest commands',
    run: storeAll,
    refusals: ANY_LIMIT,
    storedBytes: MIN_STORED_BYTES,
  },
  'store-echoes': {
    title: '50 sockets send the longest Echos',
    run: storeEchoes,
    refusals: ANY_LIMIT,
  },
  waits: { title: '500 × ?wait=60', run: waits, refusals: ANY_LIMIT },
  'waits-front': {
    title: '500 × ?wait=60, to npm start',
    run: waits,
    refusals: ANY_LIMIT,
    descriptors: 20_000,
  },
  ...Object.fromEntries(
    DESCRIPTORS.map((descriptors): [string, AttackEntry] => [
      `upgrades-${descriptors}`,
      {
        title: `3,000 upgrades under ulimit -n ${descriptors}`,
        run: upgrades,
        refusals: ANY_LIMIT,
        descriptors,
      },
    ]),
  ),
};
