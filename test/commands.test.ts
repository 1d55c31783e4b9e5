/** Each command of the Call API through the front door, exactly as `wire.md` promises. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Client, callidOf, phone } from './stack/client.ts';
import { type Stack, startStack } from './stack/stack.ts';

let stack: Stack;
let client: Client;
beforeAll(async () => {
  stack = await startStack();
  client = await stack.client();
});
afterAll(() => stack[Symbol.asyncDispose]());

const parties = { caller: phone('alice'), callee: phone('bob') };

/** What each event says, without its numbers. */
async function run(method: string, params: object): Promise<[event: string, data: unknown][]> {
  const told = await client.toEnd(method, params);
  const seqs = told.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  return told.map(({ event, data }) => [event, data]);
}

/** A call that stands; gives its Call-ID. */
async function call(caller = 'alice', callee = 'bob'): Promise<string> {
  const told = await client.toEnd('CallStart', { caller: phone(caller), callee: phone(callee) });
  return callidOf(told, 'CalleeAnswered');
}

it('answers at once, before OpenSIPS has said anything', async () => {
  const answer = await client.ask('CallStart', { ...parties, cmd_id: 'mine' });
  expect(answer).toEqual({
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
    ['CalleeAnswered', { callid, ...parties }],
    ['Ended', undefined],
  ]);
});

it('CallStart with a phone that tells how it goes on', async () => {
  const told = await run('CallStart', { caller: phone('tells'), callee: phone('answer-100') });
  expect(told.map(([event]) => event)).toEqual([
    'CallerRinging',
    'CallerAnswered',
    'Transferring',
    'TransferStart',
    'TransferPending',
    'CalleeAnswered',
    'Ended',
  ]);
  expect(told[4]?.[1]).toMatchObject({ extra: '180 Ringing' });
});

it('CallHold, CallUnhold', async () => {
  const callid = await call();
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
  const callid = await call();
  const destination = expect.stringMatching(/^sip:carol/);
  const next = { callid: expect.not.stringMatching(callid), destination };
  expect(await run('CallBlindTransfer', { callid, leg: 'callee', destination: phone('carol') })).toEqual([
    ['Transferring', { destination: phone('carol') }],
    ['TransferStart', next],
    ['TransferSuccessful', next],
    ['Ended', undefined],
  ]);
  expect(stack.simulator.ledger.dialog(callid)?.state).toBe(5);
});

it('CallAttendedTransfer', async () => {
  const callidA = await call('keep.a', 'keep.b');
  const callidB = await call('keep.c', 'keep.d');
  const told = await run('CallAttendedTransfer', { callidA, legA: 'callee', callidB, legB: 'callee' });
  const next = { callid: expect.any(String), destination: expect.stringMatching(/^sip:keep\.d/) };
  const [accepted, begun, ...rest] = told;
  expect(accepted).toEqual(['Transferring', undefined]);
  expect(begun).toEqual(['TransferStart', next]);
  expect(rest.filter(([event]) => event !== 'TransferPending')).toEqual([
    ['TransferSuccessful', next],
    ['Ended', undefined],
  ]);
  const standing = stack.simulator.ledger.dialogs.filter(
    ({ callid, state }) => callid !== callidB && state < 5,
  );
  expect(standing.at(-1)).toMatchObject({ transferredFrom: callidA });
  expect(stack.simulator.ledger.dialog(callidA)?.state).toBe(5);
});

it('CallEnd', async () => {
  const callid = await call();
  expect(await run('CallEnd', { callid })).toEqual([['Ended', undefined]]);
  expect(await run('CallEnd', { callid })).toEqual([
    ['Error', '404 Requested Dialog not found'],
    ['Ended', undefined],
  ]);
});

it('Echo', async () => {
  const params = { anything: [1, { b: null }] };
  expect(await run('Echo', params)).toEqual([
    ['Reply', params],
    ['Ended', undefined],
  ]);
});
