/** Everything that phones and OpenSIPS were seen to do ends rightly, and within its deadline. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, callidOf, events, phone, type Told } from './stack/client.ts';
import { type Stack, startStack } from './stack/stack.ts';

let stack: Stack;
let client: Client;
beforeAll(async () => {
  stack = await startStack();
  client = await stack.client();
});
afterAll(() => stack[Symbol.asyncDispose]());

const start = (caller: string, callee: string, more: object = {}) =>
  client.toEnd('CallStart', { caller: phone(caller), callee: phone(callee), ...more });
const sentence = (told: readonly Told[]) => told.find(({ event }) => event === 'Error')?.data;
/** What OpenSIPS has standing between these two, by the ledger of the simulator. */
const standing = (...users: string[]) =>
  stack.simulator.ledger.dialogs.filter(
    ({ state, from, to }) => state < 5 && users.some((user) => (from + to).includes(user)),
  );

const NOT_REACHED =
  'transfer failed: the phone did not take it, or its destination was not reached, within 10 s';
const begun = ['CallerRinging', 'CallerAnswered', 'Transferring'];

describe.concurrent('CallStart', () => {
  it.each([
    ['busy', 'failed to establish initial call: 486 Busy Here'],
    ['nobody', 'failed to establish initial call: 404 Not Found'],
    ['silent', 'failed to establish initial call: 408 Request Timeout'],
  ])('the caller is %s', async (caller, error) => {
    const told = await start(`${caller}.1`, 'bob.1');
    expect(events(told)).toEqual(['Error', 'Ended']);
    expect(sentence(told)).toBe(error);
    expect(standing(`${caller}.1`)).toEqual([]);
  });

  it('the caller rings for longer than was asked for: the phone stops ringing', async () => {
    const told = await start('ring.2', 'bob.2', { timeout: 5 });
    expect(events(told)).toEqual(['CallerRinging', 'Error', 'Ended']);
    expect(told[1]).toMatchObject({ error: { code: -32012, sip: { status: 408 } } });
    expect(standing('ring.2')).toEqual([]);
  });

  it.each([
    ['the script', 'busy', [...begun, 'Error', 'Ended'], NOT_REACHED],
    [
      'its phone',
      'phone-busy',
      [...begun, 'TransferStart', 'Error', 'Ended'],
      'transfer failed with status 486 Busy Here',
    ],
    ['404 by the script', 'nobody', [...begun, 'Error', 'Ended'], NOT_REACHED],
    [
      'silence',
      'silent',
      [...begun, 'TransferStart', 'Error', 'Ended'],
      'transfer failed with status 408 Request Timeout',
    ],
  ])('the callee is refused by %s', async (_, callee, sequence, error) => {
    const told = await start('alice.3', `${callee}.3`);
    expect(events(told)).toEqual(sequence);
    expect(sentence(told)).toBe(error);
    expect(standing(`${callee}.3`)).toEqual([]);
  });

  it('the phone refuses the REFER: nothing is ever said, and its leg is ended', async () => {
    const told = await start('norefer.4', 'bob.4');
    expect(events(told)).toEqual([...begun, 'Error', 'Ended']);
    expect(sentence(told)).toBe(NOT_REACHED);
    expect(standing('norefer.4')).toEqual([]);
  });

  it.each([
    ['osid', 'early'],
    ['the contact of the caller', 'early-bare'],
  ])('no event at all, though the call stands: found by %s', async (_, caller) => {
    const told = await start(`${caller}.5`, 'keep.5');
    expect(events(told)).toEqual([...begun, 'TransferStart', 'CalleeAnswered', 'Ended']);
    const callid = callidOf(told, 'CalleeAnswered');
    expect(standing(`${caller}.5`).map((dialog) => dialog.callid)).toEqual([callid]);
    expect(events(await client.toEnd('CallEnd', { callid }))).toEqual(['Ended']);
  });

  it('a late notify says nothing after the end', async () => {
    const told = await start('keep.6', 'keep.7');
    expect(events(told).at(-1)).toBe('Ended');
    await client.toEnd('CallEnd', { callid: callidOf(told, 'CalleeAnswered') });
    expect(events(told).at(-1)).toBe('Ended');
    expect(standing('keep.6')).toEqual([]);
  });

  it('the caller gives up while the callee rings', async () => {
    const told = await start('fickle.8', 'ring.8');
    expect(events(told).slice(-3)).toEqual(['TransferStart', 'Error', 'Ended']);
    expect(sentence(told)).toBe('transfer failed with status 487 Request Terminated');
    expect(standing('fickle.8')).toEqual([]);
  });

  it.each([
    ['while the caller rings', 'ring.9', 'bob.9', 'CallerRinging'],
    ['while the callee rings', 'keep.9', 'ring.99', 'TransferStart'],
  ])('ended by its cmd_id %s: every phone stops', async (_, caller, callee, moment) => {
    const run = await client.run('CallStart', { caller: phone(caller), callee: phone(callee) });
    await run.event(moment);
    expect(events(await client.toEnd('CallEnd', { callid: run.cmdId }))).toEqual(['Ended']);
    expect(events(await run.ended).slice(-2)).toEqual(['Error', 'Ended']);
    expect(sentence(await run.ended)).toMatch(/487 Request Terminated$/);
    expect(standing(caller, callee)).toEqual([]);
  });
});

describe.concurrent('on a call that stands', () => {
  const call = async (caller: string, callee: string) =>
    callidOf(await start(caller, callee), 'CalleeAnswered');

  it('hold, hold again, unhold, unhold again', async () => {
    const callid = await call('alice.20', 'bob.20');
    expect(events(await client.toEnd('CallHold', { callid })).at(-2)).toBe('CallHoldSuccessful');
    const again = await client.toEnd('CallHold', { callid });
    expect(again).toMatchObject([
      { event: 'Error', data: '480 Both dialog legs are on hold' },
      { event: 'Ended' },
    ]);
    expect(events(await client.toEnd('CallUnhold', { callid })).at(-2)).toBe('CallUnholdSuccessful');
    const nothing = await client.toEnd('CallUnhold', { callid });
    expect(nothing).toMatchObject([
      { event: 'Error', data: '480 No dialog legs on hold' },
      { event: 'Ended' },
    ]);
  });

  it('a leg that refuses to be held is named, and the command fails', async () => {
    const callid = await call('keep.21', 'nohold.21');
    const told = await client.toEnd('CallHold', { callid });
    expect(events(told)).toContain('CallHoldFailed');
    expect(told.find(({ event }) => event === 'CallHoldFailed')?.data).toEqual({ leg: 'callee' });
    expect(events(told).slice(-2)).toEqual(['Error', 'Ended']);
  });

  it('a transfer is refused by its destination: the call stands, and no second transfer is taken', async () => {
    const callid = await call('keep.22', 'keep.23');
    const refused = await client.toEnd('CallBlindTransfer', {
      callid,
      leg: 'callee',
      destination: phone('phone-busy.22'),
    });
    expect(sentence(refused)).toBe('transfer failed with status 486 Busy Here');
    const again = await client.toEnd('CallBlindTransfer', {
      callid,
      leg: 'callee',
      destination: phone('bob.22'),
    });
    expect(sentence(again)).toBe('491 Request Pending');
    expect(standing('keep.22').map((dialog) => dialog.callid)).toEqual([callid]);
  });

  it('a second transfer while one is pending is refused, and says nothing of the first', async () => {
    const callid = await call('keep.24', 'tells.25');
    const params = { callid, leg: 'callee' };
    const first = await client.run('CallBlindTransfer', { ...params, destination: phone('answer-300.24') });
    const second = await client.toEnd('CallBlindTransfer', { ...params, destination: phone('bob.24') });
    expect(second).toMatchObject([{ event: 'Error', data: '491 Request Pending' }, { event: 'Ended' }]);
    expect(events(await first.ended)).toEqual([
      'Transferring',
      'TransferStart',
      'TransferPending',
      'TransferSuccessful',
      'Ended',
    ]);
  });

  it('an attended transfer that the other phone refuses leaves both calls', async () => {
    const callidA = await call('keep.26', 'keep.27');
    const callidB = await call('keep.28', 'norep.29');
    const told = await client.toEnd('CallAttendedTransfer', {
      callidA,
      legA: 'callee',
      callidB,
      legB: 'callee',
    });
    expect(sentence(told)).toBe('transfer failed with status 486 Busy Here');
    expect(standing('keep.26', 'keep.28').map((dialog) => dialog.callid)).toEqual([callidA, callidB]);
  });

  it('a call that has ended is not found', async () => {
    for (const method of ['CallHold', 'CallUnhold', 'CallEnd']) {
      expect(sentence(await client.toEnd(method, { callid: 'never-was' }))).toMatch(/^404 /);
    }
  });
});
