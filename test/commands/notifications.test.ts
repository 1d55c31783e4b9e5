/** The response and the notifications of each command, exactly as docs/protocol.md specifies them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, callidOf, phoneUri } from '../harness/client.ts';
import { type Stack, startStack } from '../harness/stack.ts';

let stack: Stack;
let client: Client;
beforeAll(async () => {
  stack = await startStack();
  client = await stack.connectClient();
});
afterAll(() => stack[Symbol.asyncDispose]());

const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };

/** Runs a command to its end and returns the name and data of each event. Checks that `seq` rises. */
async function run(method: string, params: object): Promise<[event: string, data: unknown][]> {
  const notifications = await client.runToEnd(method, params);
  const seqs = notifications.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  return notifications.map(({ event, data }) => [event, data]);
}

/** Starts a call and returns its Call-ID. */
async function startCall(caller = 'alice', callee = 'bob'): Promise<string> {
  const notifications = await client.runToEnd('CallStart', {
    caller: phoneUri(caller),
    callee: phoneUri(callee),
  });
  return callidOf(notifications, 'CalleeAnswered');
}

it('responds immediately, before OpenSIPS has replied', async () => {
  const response = await client.request('CallStart', { ...parties, cmd_id: 'mine' });
  expect(response).toEqual({
    jsonrpc: '2.0',
    id: expect.any(Number),
    result: { cmd_id: 'mine', event: 'Started' },
  });
});

it('CallStart', async () => {
  const callid = expect.stringMatching(/^[0-9a-f]{16}$/);
  expect(await run('CallStart', parties)).toEqual([
    ['CallerRinging', parties],
    ['CallerAnswered', parties],
    ['Transferring', { caller: parties.caller, destination: parties.callee }],
    ['TransferStart', { callid, ...parties }],
    ['TransferPending', { callid, ...parties, extra: '180 Ringing' }],
    ['CalleeAnswered', { callid, ...parties }],
    ['Ended', undefined],
  ]);
});

it('CallStart for a client that knows the events of OpenSIPS’s own Call API only', async () => {
  const original = await stack.connectClient('?events=original&session=page');
  const names = (await original.runToEnd('CallStart', parties)).map(({ event }) => event);
  expect(names).toEqual([
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'TransferPending',
    'CalleeAnswered',
    'Ended',
  ]);
  const resumed = await stack.connectClient('?events=original&session=page&since=0');
  await resumed.runToEnd('CallEnd', { callid: 'none' });
  expect(resumed.notifications.map(({ event }) => event)).toEqual([...names, 'Error', 'Ended']);
});

it('CallStart with a phone that reports the progress of the transfer, which is told once', async () => {
  const notifications = await run('CallStart', { caller: phoneUri('tells'), callee: phoneUri('answer-100') });
  expect(notifications.map(([event]) => event)).toEqual([
    'CallerRinging',
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'TransferPending',
    'CalleeAnswered',
    'Ended',
  ]);
  expect(notifications[4]?.[1]).toMatchObject({ extra: '180 Ringing' });
});

it('CallHold, CallUnhold', async () => {
  const callid = await startCall();
  const hold = await run('CallHold', { callid });
  expect(hold[0]).toEqual(['CallHolding', undefined]);
  expect(hold.slice(1, 3)).toEqual([
    ['CallHoldStart', { leg: 'caller' }],
    ['CallHoldStart', { leg: 'callee' }],
  ]);
  expect(new Set(hold.slice(3, 5))).toEqual(
    new Set([
      ['CallHoldSuccessful', { leg: 'caller' }],
      ['CallHoldSuccessful', { leg: 'callee' }],
    ]),
  );
  expect(hold.slice(5)).toEqual([['Ended', undefined]]);
  const unhold = (await run('CallUnhold', { callid })).map(([event]) => event);
  expect(unhold[0]).toBe('CallUnholding');
  expect(unhold.filter((event) => event === 'CallUnholdStart')).toHaveLength(2);
  expect(unhold.filter((event) => event === 'CallUnholdSuccessful')).toHaveLength(2);
  expect(unhold.at(-1)).toBe('Ended');
});

it('CallBlindTransfer', async () => {
  const callid = await startCall();
  const destination = expect.stringMatching(/^sip:carol/);
  const next = { callid: expect.not.stringMatching(callid), destination };
  expect(await run('CallBlindTransfer', { callid, leg: 'callee', destination: phoneUri('carol') })).toEqual([
    ['Transferring', { destination: phoneUri('carol') }],
    ['TransferStart', next],
    ['TransferPending', { ...next, extra: '180 Ringing' }],
    ['TransferSuccessful', next],
    ['Ended', undefined],
  ]);
  expect(stack.simulator.ledger.findDialog(callid)?.state).toBe(5);
});

it('CallAttendedTransfer', async () => {
  const callidA = await startCall('keep.a', 'keep.b');
  const callidB = await startCall('keep.c', 'keep.d');
  const notifications = await run('CallAttendedTransfer', {
    callidA,
    legA: 'callee',
    callidB,
    legB: 'callee',
  });
  const next = { callid: expect.any(String), destination: expect.stringMatching(/^sip:keep\.d/) };
  const [accepted, begun, ...rest] = notifications;
  expect(accepted).toEqual(['Transferring', undefined]);
  expect(begun).toEqual(['TransferStart', next]);
  expect(rest.filter(([event]) => event !== 'TransferPending')).toEqual([
    ['TransferSuccessful', next],
    ['Ended', undefined],
  ]);
  const activeDialogs = stack.simulator.ledger.dialogs.filter(
    ({ callid, state }) => callid !== callidB && state < 5,
  );
  expect(activeDialogs.at(-1)).toMatchObject({ transferredFrom: callidA });
  expect(stack.simulator.ledger.findDialog(callidA)?.state).toBe(5);
});

it('CallEnd', async () => {
  const callid = await startCall();
  expect(await run('CallEnd', { callid })).toEqual([['Ended', undefined]]);
});

it('CallEnd of a call that has ended already', async () => {
  const callid = await startCall();
  await run('CallEnd', { callid });
  expect(await run('CallEnd', { callid })).toEqual([['Ended', undefined]]);
});

it('a command for an unknown call', async () => {
  for (const method of ['CallEnd', 'CallHold', 'CallUnhold']) {
    const notifications = await client.runToEnd(method, { callid: 'never-was' });
    expect(notifications).toMatchObject([
      { event: 'Error', data: expect.stringMatching(/^404 /), error: { code: -32005 } },
      { event: 'Ended' },
    ]);
  }
});

it('Echo', async () => {
  const params = { anything: [1, { b: null }] };
  expect(await client.runToEnd('Echo', { ...params, cmd_id: 'echo' })).toEqual([
    { cmd_id: 'echo', event: 'Reply', data: params },
    { cmd_id: 'echo', event: 'Ended' },
  ]);
});
