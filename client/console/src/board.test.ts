/** The board's list: the newest state of each call, whatever order they come in. */
import { expect, it } from 'vitest';
import type { Call } from '../../watching.ts';
import { asUri, looksDialable, nameOf, shortAddress } from './address.ts';
import { Board, ENDED_KEPT, withAddress } from './board.ts';
import { coalesced } from './coalesce.ts';
import { duration } from './duration.ts';
import { history } from './words.ts';

function call(callid: string, seq: number, rest: Partial<Call> = {}): Call {
  const parties = { caller: `sip:${callid}@x`, callee: 'sip:bob@example.com:5060' };
  return { callid, seq, state: 'answered', ...parties, origin: null, began: seq, ...rest };
}

const ids = (calls: readonly Call[]) => calls.map(({ callid }) => callid).join(' ');

it('shows the newest call first, and each once', () => {
  const board = new Board();
  board.replace([call('b', 2), call('a', 1)]);
  board.put(call('c', 3));
  board.put(call('a', 4, { state: 'held', began: 1 }));
  expect(ids(board.standing())).toBe('c b a');
  expect(board.get('a')?.state).toBe('held');
});

it('a call that has ended goes to those, the last first, and what comes late does not bring it back', () => {
  const board = new Board();
  board.replace([call('a', 1), call('b', 2)]);
  board.put(call('a', 5, { state: 'ended' }));
  board.put(call('b', 6, { state: 'ended' }));
  board.put(call('a', 4));
  expect(ids(board.standing())).toBe('');
  expect(ids(board.ended())).toBe('b a');
});

it('a new snapshot is all there is', () => {
  const board = new Board();
  board.replace([call('a', 1)]);
  board.put(call('b', 2, { state: 'ended' }));
  board.replace([call('c', 9)]);
  expect([ids(board.standing()), ids(board.ended())]).toEqual(['c', '']);
});

it('keeps the last that ended, and no more', () => {
  const board = new Board();
  for (let seq = 1; seq <= ENDED_KEPT + 2; seq++) board.put(call(`c${seq}`, seq, { state: 'ended' }));
  expect(board.ended()).toHaveLength(ENDED_KEPT);
  expect(board.get('c2')).toBeUndefined();
  expect(board.get('c3')).toBeDefined();
});

it('is searched by either address, in any case', () => {
  const calls = [call('alice', 1), call('carol', 2, { callee: null })];
  expect(ids(withAddress(calls, ' ALI '))).toBe('alice');
  expect(ids(withAddress(calls, 'example.com'))).toBe('alice');
  expect(ids(withAddress(calls, ''))).toBe('alice carol');
});

it('however often it is asked for in a frame, it is drawn once, and again in the next', () => {
  const frames: (() => void)[] = [];
  let drawn = 0;
  const draw = coalesced(
    () => drawn++,
    (frame) => frames.push(frame),
  );
  for (let n = 0; n < 1_000; n++) draw();
  expect([drawn, frames.length]).toEqual([0, 1]);
  frames.shift()?.();
  expect(drawn).toBe(1);
  draw();
  frames.shift()?.();
  expect(drawn).toBe(2);
});

it.each([
  ['sip:alice@example.com:5060;transport=tcp', 'alice@example.com', 'alice'],
  ['sips:bob@[2001:db8::1]', 'bob@[2001:db8::1]', 'bob'],
  ['sip:example.com', 'example.com', 'example.com'],
  [null, 'unknown', 'unknown'],
])('%s is read as %s', (uri, address, name) => {
  expect([shortAddress(uri), nameOf(uri)]).toEqual([address, name]);
});

it.each([
  ['alice@example.com', 'sip:alice@example.com', true],
  [' sips:alice@example.com ', 'sips:alice@example.com', true],
  ['alice', 'sip:alice', false],
  ['a b@c', 'sip:a b@c', false],
  ['', '', false],
])('%s, typed, is %s', (typed, uri, isDialable) => {
  expect([asUri(typed), looksDialable(typed)]).toEqual([uri, isDialable]);
});

it.each([
  [-1, '0:00'],
  [7_999, '0:07'],
  [750_000, '12:30'],
  [3_723_000, '1:02:03'],
])('%i ms last %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it('a history says who, and the same only once in a row', () => {
  const entries = [
    { seq: 1, at: 1, event: 'Answered' },
    { seq: 2, at: 2, event: 'Answered' },
    { seq: 3, at: 3, event: 'Held', data: { leg: 'caller' } },
    { seq: 4, at: 4, event: 'Held', data: { leg: 'callee' } },
    { seq: 5, at: 5, event: 'Answered' },
    { seq: 6, at: 6, event: 'Unheard' },
  ];
  const parties = { caller: 'sip:alice@x', callee: 'sip:bob@x' };
  expect(history(entries, parties).map(({ seq, text }) => `${seq} ${text}`)).toEqual([
    '1 Answered',
    '3 Put on hold: alice',
    '4 Put on hold: bob',
    '5 Answered',
    '6 Unheard',
  ]);
});
