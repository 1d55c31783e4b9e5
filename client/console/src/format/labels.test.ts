/** Tests the lines of a timeline. */
import { expect, it } from 'vitest';
import { timelineLines } from './labels.ts';

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
