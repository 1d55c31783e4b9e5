/** Tests the labels of calls and the lines of a timeline. */
import { expect, it } from 'vitest';
import type { Call } from '../../../connection/call.ts';
import { endedByLabel, timelineLines } from './labels.ts';

it('names the party, and omits a line that repeats the previous one', () => {
  const entries = [
    { seq: 1, at: 1, event: 'Answered' },
    { seq: 2, at: 2, event: 'Answered' },
    { seq: 3, at: 3, event: 'Held', data: { leg: 'caller' } },
    { seq: 4, at: 4, event: 'Held', data: { leg: 'callee' } },
    { seq: 5, at: 5, event: 'Answered' },
    { seq: 6, at: 6, event: 'Unknown' },
  ];
  const parties = { caller: 'sip:alice@x', callee: 'sip:bob@x' };
  expect(timelineLines(entries, parties).map(({ seq, text }) => `${seq} ${text}`)).toEqual([
    '1 Answered',
    '3 Put on hold: alice',
    '4 Put on hold: bob',
    '5 Answered',
    '6 Unknown',
  ]);
});

it('tells who ended a call, and nothing if nobody knows', () => {
  const call: Call = {
    callid: 'c1',
    state: 'ended',
    caller: 'sip:alice@x',
    callee: 'sip:bob@x',
    origin: null,
    began: 1,
    seq: 1,
  };
  const labels = (['api', 'opensips', 'caller', 'callee', 'unknown'] as const).map((by) =>
    endedByLabel({ ...call, ended_by: by }),
  );
  expect(labels).toEqual(['The API', 'OpenSIPS', 'alice', 'bob', '']);
  expect(endedByLabel(call)).toBe('');
});
