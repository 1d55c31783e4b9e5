/** What the page says of a command, from what it was told. */
import { expect, it } from 'vitest';
import { type Activity, type Command, failureOf, isOver, stepsOf, told } from './activity.ts';

const parties = { caller: 'sip:alice@x', callee: 'sip:bob@x' };

/** A command after these events, one a millisecond. */
function after(method: Command, ...events: string[]): Activity {
  const begun: Activity = { cmdId: 'c', method, params: parties, told: [] };
  return events.reduce((activity, event, at) => told(activity, { event }, at), begun);
}

const marks = (activity: Activity) => stepsOf(activity).map(({ is }) => is);

it.each<[string, readonly string[], readonly string[]]>([
  ['nothing yet', [], ['now', 'ahead', 'ahead', 'ahead', 'ahead']],
  ['asked', ['Started'], ['done', 'now', 'ahead', 'ahead', 'ahead']],
  ['ringing', ['Started', 'CallerRinging'], ['done', 'done', 'now', 'ahead', 'ahead']],
  // A phone may answer without having rung.
  ['a step was skipped', ['Started', 'CallerAnswered'], ['done', 'done', 'done', 'now', 'ahead']],
  [
    'through',
    [
      'Started',
      'CallerRinging',
      'CallerAnswered',
      'Transferring',
      'TransferStart',
      'CalleeAnswered',
      'Ended',
    ],
    ['done', 'done', 'done', 'done', 'done'],
  ],
  ['failed', ['Started', 'CallerRinging', 'Error', 'Ended'], ['done', 'done', 'failed', 'ahead', 'ahead']],
  ['refused', ['Refused'], ['failed', 'ahead', 'ahead', 'ahead', 'ahead']],
  ['lost', ['Started', 'Lost'], ['done', 'failed', 'ahead', 'ahead', 'ahead']],
])('a dialled call: %s', (_, events, steps) => {
  expect(marks(after('CallStart', ...events))).toEqual(steps);
});

it.each<[Command, readonly string[]]>([
  ['CallHold', ['Started', 'CallHolding', 'CallHoldStart', 'CallHoldSuccessful', 'Ended']],
  ['CallUnhold', ['Started', 'CallUnholding', 'CallUnholdStart', 'CallUnholdSuccessful', 'Ended']],
  ['CallBlindTransfer', ['Started', 'Transferring', 'TransferStart', 'TransferSuccessful', 'Ended']],
  ['CallAttendedTransfer', ['Started', 'Transferring', 'TransferStart', 'TransferSuccessful', 'Ended']],
  ['CallEnd', ['Started', 'Ended']],
])('%s is done at its end, and not before', (method, events) => {
  expect(new Set(marks(after(method, ...events)))).toEqual(new Set(['done']));
  expect(marks(after(method, ...events.slice(0, 1)))).toContain('now');
  expect(isOver(after(method, ...events))).toBe(true);
  expect(isOver(after(method, ...events.slice(0, -1)))).toBe(false);
});

it('says why in a sentence: what OpenSIPS said, what the edge refused, or that nobody knows', () => {
  const begun = after('CallStart');
  const of = (...notices: Parameters<typeof told>[1][]) =>
    failureOf(notices.reduce((activity, notice) => told(activity, notice, 0), begun));
  expect(of({ event: 'Started' })).toBeUndefined();
  expect(of({ event: 'Error', data: 'transfer failed with status 486 Busy Here' })).toBe(
    'Transfer failed with status 486 Busy Here.',
  );
  const refusal = { code: -32002, message: 'Not allowed', data: 'the scope CallStart is missing' };
  expect(of({ event: 'Refused', error: refusal })).toBe('The scope CallStart is missing.');
  const tooMany = { code: -32003, message: 'Too many', data: { reason: 'too many calls stand', limit: 'x' } };
  expect(of({ event: 'Refused', error: tooMany })).toBe('Too many calls stand.');
  expect(of({ event: 'Lost' })).toContain('may have been done or not');
});
