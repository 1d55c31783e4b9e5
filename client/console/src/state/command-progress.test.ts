/** Tests the progress that the page shows for a command. */
import { expect, it } from 'vitest';
import type { CommandUpdate } from '../../../connection/messages.ts';
import {
  type CommandName,
  type CommandRun,
  failureText,
  hasEnded,
  stepsOf,
  withUpdate,
} from './command-progress.ts';

const parties = { caller: 'sip:alice@x', callee: 'sip:bob@x' };

/** Returns a command that has received these updates, one per millisecond. */
function runWith(method: CommandName, updates: readonly CommandUpdate[]): CommandRun {
  const run: CommandRun = { cmdId: 'c', method, params: parties, updates: [] };
  return updates.reduce((run, update, at) => withUpdate(run, update, at), run);
}

const runAfter = (method: CommandName, events: readonly string[]) =>
  runWith(
    method,
    events.map((event) => ({ event })),
  );

const statuses = (run: CommandRun) => stepsOf(run).map(({ status }) => status);

it.each<[string, readonly string[], readonly string[]]>([
  ['just requested', [], ['current', 'pending', 'pending', 'pending', 'pending']],
  ['started', ['Started'], ['done', 'current', 'pending', 'pending', 'pending']],
  ['ringing', ['Started', 'CallerRinging'], ['done', 'done', 'current', 'pending', 'pending']],
  // A phone may answer without having rung.
  ['answered without ringing', ['Started', 'CallerAnswered'], ['done', 'done', 'done', 'current', 'pending']],
  [
    'successful',
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
  [
    'failed',
    ['Started', 'CallerRinging', 'Error', 'Ended'],
    ['done', 'done', 'failed', 'pending', 'pending'],
  ],
  ['refused', ['Refused'], ['failed', 'pending', 'pending', 'pending', 'pending']],
  ['lost', ['Started', 'Lost'], ['done', 'failed', 'pending', 'pending', 'pending']],
])('shows the steps of a CallStart that is %s', (_, events, expected) => {
  expect(statuses(runAfter('CallStart', events))).toEqual(expected);
});

it.each<[CommandName, readonly string[]]>([
  ['CallHold', ['Started', 'CallHolding', 'CallHoldStart', 'CallHoldSuccessful', 'Ended']],
  ['CallUnhold', ['Started', 'CallUnholding', 'CallUnholdStart', 'CallUnholdSuccessful', 'Ended']],
  ['CallBlindTransfer', ['Started', 'Transferring', 'TransferStart', 'TransferSuccessful', 'Ended']],
  ['CallAttendedTransfer', ['Started', 'Transferring', 'TransferStart', 'TransferSuccessful', 'Ended']],
  ['CallEnd', ['Started', 'Ended']],
])('shows all steps of %s as done when it has ended, and not before', (method, events) => {
  expect(new Set(statuses(runAfter(method, events)))).toEqual(new Set(['done']));
  expect(statuses(runAfter(method, events.slice(0, 1)))).toContain('current');
  expect(hasEnded(runAfter(method, events))).toBe(true);
  expect(hasEnded(runAfter(method, events.slice(0, -1)))).toBe(false);
});

it('says in a sentence why a command failed', () => {
  const textAfter = (update: CommandUpdate) => failureText(runWith('CallStart', [update]));
  expect(textAfter({ event: 'Started' })).toBeUndefined();
  expect(textAfter({ event: 'Error', data: 'transfer failed with status 488 Not Acceptable Here' })).toBe(
    'Transfer failed with status 488 Not Acceptable Here.',
  );
  const busy = { code: -32010, message: 'Refused', sip: { status: 486, reason: 'Busy Here' } };
  const data = 'transfer failed with status 486 Busy Here';
  expect(textAfter({ event: 'Error', data, error: busy })).toBe('The line is busy (486 Busy Here).');
  const refusal = { code: -32002, message: 'Not allowed', data: 'missing scope: CallStart' };
  expect(textAfter({ event: 'Refused', error: refusal })).toBe('Missing scope: CallStart.');
  const tooMany = {
    code: -32003,
    message: 'Too many',
    data: { reason: 'Too many calls are active.', limit: 'x' },
  };
  expect(textAfter({ event: 'Refused', error: tooMany })).toBe('Too many calls are active.');
  const lost = { code: -32013, message: 'No response', data: 'The connection was lost.' };
  expect(textAfter({ event: 'Lost', error: lost })).toBe('The connection was lost.');
  expect(textAfter({ event: 'Error' })).toBe('The request failed for an unknown reason. Try again.');
});
