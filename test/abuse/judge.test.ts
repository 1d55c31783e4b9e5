/** The judgment of an attack: each limit is noticed, and only that one. */
import { expect, it } from 'vitest';
import { latencyOf, type RunResult, shortcomings } from './judge.ts';
import { MAX_WAL_BYTES } from './storage-check.ts';

const CALM = { p50: 2, p99: 10, slowest: 40 };
const GOOD: RunResult = {
  attack: { sent: 9, messages: 9, bytes: 9, opened: 1, open: 1, refusals: { '429 x': 3 }, closes: {} },
  before: CALM,
  during: { p50: 30, p99: 110, slowest: 540 },
  heapMb: { idle: 10, after: 70 },
  rssMb: { idle: 100, after: 900 },
  disconnected: 0,
  connectMs: 500,
  errors: 0,
  isEdgeAlive: true,
};
const STORED = { diskBytes: 100, storedBytes: 90, budget: 100, isGapReported: true };
const judge = (changes: Partial<RunResult>) => shortcomings([{ ...GOOD, ...changes }], /^429/);

it('accepts what is just within the limits', () => {
  expect(judge({})).toEqual([]);
  expect(judge({ heapMb: null })).toEqual([]);
  expect(judge({ storage: STORED })).toEqual([]);
});

it.each<[string, Partial<RunResult>, RegExp]>([
  ['p99', { during: { ...GOOD.during, p99: 111 } }, /p99 is 101 ms/],
  ['slowest', { during: { ...GOOD.during, slowest: 541 } }, /slowest answer is 501 ms/],
  ['no answer', { during: latencyOf([]) }, /p99 is NaN/],
  ['heap', { heapMb: { idle: 10, after: 71 } }, /grown by 61 MB/],
  ['connecting', { connectMs: null }, /Infinity ms to connect/],
  ['disconnected', { disconnected: 2 }, /2 sockets of others/],
  [
    'too much stored',
    { storage: { ...STORED, diskBytes: 101 + MAX_WAL_BYTES } },
    /bytes on disk, and its limit is 100/,
  ],
  ['a hidden gap', { storage: { ...STORED, isGapReported: false } }, /not told/],
  ['dead', { isEdgeAlive: false }, /edge has ended/],
  ['not refused', { attack: { ...GOOD.attack, refusals: { 500: 3 } } }, /not refused/],
])('notices %s', (_, changes, expected) => {
  expect(judge(changes).join()).toMatch(expected);
});

it('takes a close for a refusal, and the median of several runs', () => {
  const closed = { ...GOOD, attack: { ...GOOD.attack, refusals: {}, closes: { 429: 1 } } };
  const slow = { ...GOOD, during: { p50: 1, p99: 9_000, slowest: 9_000 } };
  expect(shortcomings([closed, slow, closed], /^429/)).toEqual([]);
  expect(shortcomings([closed, slow, slow], /^429/)).toHaveLength(2);
});
