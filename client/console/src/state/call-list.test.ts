/** Tests the call list. */
import { expect, it } from 'vitest';
import type { Call } from '../../../connection/call.ts';
import { CallList, filterByAddress, MAX_ENDED_CALLS } from './call-list.ts';

function call(callid: string, seq: number, rest: Partial<Call> = {}): Call {
  const parties = { caller: `sip:${callid}@x`, callee: 'sip:bob@example.com:5060' };
  return { callid, seq, state: 'answered', ...parties, origin: null, began: seq, ...rest };
}

const ids = (calls: readonly Call[]) => calls.map(({ callid }) => callid).join(' ');

it('lists each active call once, newest first', () => {
  const list = new CallList();
  list.replace([call('b', 2), call('a', 1)]);
  list.update(call('c', 3));
  list.update(call('a', 4, { state: 'held', began: 1 }));
  expect(ids(list.activeCalls())).toBe('c b a');
  expect(list.get('a')?.state).toBe('held');
});

it('lists ended calls, last ended first, and ignores older states of them', () => {
  const list = new CallList();
  list.replace([call('a', 1), call('b', 2)]);
  list.update(call('a', 5, { state: 'ended' }));
  list.update(call('b', 6, { state: 'ended' }));
  list.update(call('a', 4));
  expect(ids(list.activeCalls())).toBe('');
  expect(ids(list.endedCalls())).toBe('b a');
});

it('replaces all calls with a new snapshot', () => {
  const list = new CallList();
  list.replace([call('a', 1)]);
  list.update(call('b', 2, { state: 'ended' }));
  list.replace([call('c', 9)]);
  expect([ids(list.activeCalls()), ids(list.endedCalls())]).toEqual(['c', '']);
});

it('stores a limited number of ended calls, and drops the oldest', () => {
  const list = new CallList();
  for (let seq = 1; seq <= MAX_ENDED_CALLS + 2; seq++) list.update(call(`c${seq}`, seq, { state: 'ended' }));
  expect(list.endedCalls()).toHaveLength(MAX_ENDED_CALLS);
  expect(list.get('c2')).toBeUndefined();
  expect(list.get('c3')).toBeDefined();
});

it('filters by either address, ignoring case', () => {
  const calls = [call('alice', 1), call('carol', 2, { callee: null })];
  expect(ids(filterByAddress(calls, ' ALI '))).toBe('alice');
  expect(ids(filterByAddress(calls, 'example.com'))).toBe('alice');
  expect(ids(filterByAddress(calls, ''))).toBe('alice carol');
});
