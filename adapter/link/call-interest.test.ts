import { expect, it } from 'vitest';
import type { EviEvent } from '../../shared/opensips/evi.ts';
import { CallInterest } from './call-interest.ts';

const dialog = (callid: string, old_state = 2, new_state = 3): EviEvent => ({
  name: 'E_DLG_STATE_CHANGED',
  params: { id: '1.2', callid, old_state, new_state },
});
const transfer = (callid: string, transfer_callid: string): EviEvent => ({
  name: 'E_CALL_TRANSFER',
  params: { callid, transfer_callid, destination: 'sip:bob@127.0.0.1', state: 'start', status: '100 Trying' },
});
const refused = (callid: string): EviEvent => ({
  name: 'E_CALL_REFUSED',
  params: { callid, osid: '', status: '404 Not Found' },
});

/** Returns what an adapter knows after it has received these Call-IDs. */
function interestIn(...add: string[]): CallInterest {
  const interest = new CallInterest();
  interest.apply({ type: 'interest', all: false, add });
  return interest;
}

it('takes all events for awaited until the edge has told which ones are, and while clients watch', () => {
  const interest = new CallInterest();
  expect(interest.isAwaited(dialog('a'))).toBe(true);
  interest.apply({ type: 'interest', all: false });
  expect(interest.isAwaited(dialog('a'))).toBe(false);
  interest.apply({ type: 'interest', add: ['b'] });
  expect(interest.isAwaited(dialog('a'))).toBe(false);
  interest.apply({ type: 'interest', all: true });
  expect(interest.isAwaited(dialog('a'))).toBe(true);
});

it('knows the calls of commands until they are taken back', () => {
  const interest = interestIn('a', 'b');
  expect(interest.isAwaited(dialog('a'))).toBe(true);
  interest.apply({ type: 'interest', remove: ['a'] });
  expect([interest.isAwaited(dialog('a')), interest.isAwaited(dialog('b'))]).toEqual([false, true]);
  expect(interest.awaitedCount).toBe(1);
});

it('knows the new call of a transfer before the edge names it', () => {
  const interest = interestIn('a');
  expect(interest.isAwaited(dialog('new'))).toBe(false);
  expect(interest.isAwaited(transfer('a', 'new'))).toBe(true);
  expect(interest.isAwaited(dialog('new'))).toBe(true);
  expect(interest.isAwaited(transfer('other', 'newer'))).toBe(false);
  expect(interest.isAwaited(dialog('newer'))).toBe(false);
});

it.each([
  ['E_CALL_REFUSED', refused('unknown')],
  ['the end of a dialog that was never confirmed', dialog('unknown', 1, 5)],
])('takes a call that was refused for the new one of a transfer, while commands run: %s', (_, event) => {
  expect(interestIn('a').isAwaited(event)).toBe(true);
  expect(interestIn().isAwaited(event)).toBe(false);
});
