/** Tests what the page knows of a call that it does not watch. */
import { expect, it } from 'vitest';
import { callFromCommands } from './call-from-commands.ts';
import type { CommandName, CommandRun } from './command-progress.ts';

const run = (method: CommandName, params: object, ...events: (string | [string, object])[]): CommandRun => ({
  cmdId: `the-${method}`,
  method,
  params: { ...params },
  updates: events.map((event, at) =>
    typeof event === 'string' ? { event, at } : { event: event[0], at, ...event[1] },
  ),
});

const made = { data: { callid: 'c' } };
const start = run(
  'CallStart',
  { caller: 'sip:a@x', callee: 'sip:b@x' },
  'Started',
  ['CalleeAnswered', made],
  'Ended',
);
const on = { callid: 'c' };
const gone = { error: { code: -32005, message: 'Gone' } };

it.each<[string, readonly CommandRun[], string]>([
  ['is ringing', [run('CallStart', {}, 'Started', ['TransferStart', made])], 'ringing'],
  [
    'was never answered',
    [run('CallStart', {}, 'Started', ['TransferStart', made], 'Error', 'Ended')],
    'ended',
  ],
  ['is answered', [start], 'answered'],
  ['is being ended', [start, run('CallEnd', on, 'Started')], 'answered'],
  ['was ended', [start, run('CallEnd', on, 'Started', 'Ended')], 'ended'],
  [
    'was ended by the cmd_id of its start',
    [start, run('CallEnd', { callid: start.cmdId }, 'Ended')],
    'ended',
  ],
  ['could not be ended', [start, run('CallEnd', on, 'Started', 'Error', 'Ended')], 'answered'],
  ['had ended before', [start, run('CallEnd', on, ['Refused', gone])], 'ended'],
  ['is held', [start, run('CallHold', on, 'Ended')], 'held'],
  ['is held no longer', [start, run('CallHold', on, 'Ended'), run('CallUnhold', on, 'Ended')], 'answered'],
  ['could not be held', [start, run('CallHold', on, 'Error', 'Ended')], 'answered'],
  ['was transferred', [start, run('CallBlindTransfer', on, 'Ended')], 'ended'],
])('knows the state of a call that %s', (_, runs, state) => {
  expect(callFromCommands('c', runs)?.state).toBe(state);
});

it('knows the parties of the call, and no call that it has not made', () => {
  expect(callFromCommands('c', [start])).toMatchObject({ caller: 'sip:a@x', callee: 'sip:b@x', answered: 1 });
  expect(callFromCommands('other', [start])).toBeUndefined();
});
