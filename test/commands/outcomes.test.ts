/** Commands end correctly and in time, whatever phones and OpenSIPS were observed to do. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, callidOf, eventNames, type Notification, phoneUri } from '../harness/client.ts';
import { type Stack, startStack } from '../harness/stack.ts';

let stack: Stack;
let client: Client;
beforeAll(async () => {
  stack = await startStack();
  client = await stack.connectClient();
});
afterAll(() => stack[Symbol.asyncDispose]());

const runCallStart = (caller: string, callee: string, options: object = {}) =>
  client.runToEnd('CallStart', { caller: phoneUri(caller), callee: phoneUri(callee), ...options });
const errorText = (notifications: readonly Notification[]) =>
  notifications.find(({ event }) => event === 'Error')?.data;
/** Returns the simulator's active dialogs with these users. */
const activeDialogs = (...users: string[]) =>
  stack.simulator.ledger.dialogs.filter(
    ({ state, from, to }) => state < 5 && users.some((user) => (from + to).includes(`:${user}@`)),
  );

const accepted = ['CallerRinging', 'CallerAnswered', 'Transferring'];

describe.concurrent('CallStart', () => {
  it.each([
    ['busy', 'failed to establish initial call: 486 Busy Here'],
    ['nobody', 'failed to establish initial call: 404 Not Found'],
    ['silent', 'failed to establish initial call: 408 Request Timeout'],
  ])('fails if the caller is %s', async (caller, error) => {
    const notifications = await runCallStart(`${caller}.1`, 'bob.1');
    expect(eventNames(notifications)).toEqual(['Error', 'Ended']);
    expect(errorText(notifications)).toBe(error);
    expect(activeDialogs(`${caller}.1`)).toEqual([]);
  });

  it('stops the caller’s phone if it rings for longer than requested', async () => {
    const notifications = await runCallStart('ring.2', 'bob.2', { timeout: 5 });
    expect(eventNames(notifications)).toEqual(['CallerRinging', 'Error', 'Ended']);
    expect(notifications[1]).toMatchObject({ error: { code: -32012 } });
    expect(activeDialogs('ring.2')).toEqual([]);
  });

  it.each([
    [
      'the routing script rejects the callee',
      'busy',
      [...accepted, 'Error', 'Ended'],
      'transfer failed with status 486 Busy Here',
    ],
    [
      'the callee’s phone is busy',
      'phone-busy',
      [...accepted, 'TransferStart', 'Error', 'Ended'],
      'transfer failed with status 486 Busy Here',
    ],
    [
      'the routing script does not know the callee',
      'nobody',
      [...accepted, 'Error', 'Ended'],
      'transfer failed with status 404 Not Found',
    ],
    [
      'the callee’s phone does not respond',
      'silent',
      [...accepted, 'TransferStart', 'Error', 'Ended'],
      'transfer failed with status 408 Request Timeout',
    ],
  ])('fails if %s', async (_, callee, sequence, error) => {
    const notifications = await runCallStart('alice.3', `${callee}.3`);
    expect(eventNames(notifications)).toEqual(sequence);
    expect(errorText(notifications)).toBe(error);
    expect(activeDialogs(`${callee}.3`)).toEqual([]);
  });

  it('fails with the phone’s own status and ends the first leg if the phone rejects the REFER', async () => {
    const notifications = await runCallStart('norefer.4', 'bob.4');
    expect(eventNames(notifications)).toEqual(['CallerRinging', 'CallerAnswered', 'Error', 'Ended']);
    expect(errorText(notifications)).toBe('transfer failed with status 603 Decline');
    expect(activeDialogs('norefer.4')).toEqual([]);
  });

  it('says that the phone did not call if it accepts the REFER and does nothing', async () => {
    const notifications = await runCallStart('lazy.10', 'bob.10');
    expect(eventNames(notifications)).toEqual([...accepted, 'Error', 'Ended']);
    expect(notifications.at(-2)).toMatchObject({ error: { code: -32012 } });
    expect(errorText(notifications)).toContain(
      'the phone accepted the transfer and did not dial within 10 s',
    );
    expect(activeDialogs('lazy.10')).toEqual([]);
  });

  it.each([
    ['osid', 'early'],
    ['the contact of the caller', 'early-bare'],
  ])('finds an active call without any event by %s', async (_, caller) => {
    const notifications = await runCallStart(`${caller}.5`, 'keep.5');
    expect(eventNames(notifications)).toEqual([...accepted, 'TransferStart', 'CalleeAnswered', 'Ended']);
    const callid = callidOf(notifications, 'CalleeAnswered');
    expect(activeDialogs(`${caller}.5`).map((dialog) => dialog.callid)).toEqual([callid]);
    expect(eventNames(await client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
  });

  it('sends nothing for a late NOTIFY after the end', async () => {
    const notifications = await runCallStart('keep.6', 'keep.7');
    expect(eventNames(notifications).at(-1)).toBe('Ended');
    await client.runToEnd('CallEnd', { callid: callidOf(notifications, 'CalleeAnswered') });
    expect(eventNames(notifications).at(-1)).toBe('Ended');
    expect(activeDialogs('keep.6')).toEqual([]);
  });

  it('fails if the caller hangs up while the callee rings', async () => {
    const notifications = await runCallStart('fickle.8', 'ring.8');
    expect(eventNames(notifications).slice(-3)).toEqual(['TransferPending', 'Error', 'Ended']);
    expect(errorText(notifications)).toBe('transfer failed with status 487 Request Terminated');
    expect(activeDialogs('fickle.8')).toEqual([]);
  });

  it.each([
    ['while the caller rings', 'ring.9', 'bob.9', 'CallerRinging'],
    ['while the callee rings', 'keep.9', 'ring.99', 'TransferStart'],
  ])('can be ended by its cmd_id %s, so that no phone rings', async (_, caller, callee, event) => {
    const run = await client.start('CallStart', { caller: phoneUri(caller), callee: phoneUri(callee) });
    await run.waitForEvent(event);
    expect(eventNames(await client.runToEnd('CallEnd', { callid: run.cmdId }))).toEqual(['Ended']);
    expect(eventNames(await run.ended).slice(-2)).toEqual(['Error', 'Ended']);
    expect(errorText(await run.ended)).toMatch(/487 Request Terminated$/);
    expect(activeDialogs(caller, callee)).toEqual([]);
  });
});

describe.concurrent('on an active call', () => {
  const startCall = async (caller: string, callee: string) =>
    callidOf(await runCallStart(caller, callee), 'CalleeAnswered');

  it('a repeated hold or unhold fails', async () => {
    const callid = await startCall('alice.20', 'bob.20');
    expect(eventNames(await client.runToEnd('CallHold', { callid })).at(-2)).toBe('CallHoldSuccessful');
    const repeated = await client.runToEnd('CallHold', { callid });
    expect(repeated).toMatchObject([
      { event: 'Error', data: '480 Both dialog legs are on hold' },
      { event: 'Ended' },
    ]);
    expect(eventNames(await client.runToEnd('CallUnhold', { callid })).at(-2)).toBe('CallUnholdSuccessful');
    const repeatedUnhold = await client.runToEnd('CallUnhold', { callid });
    expect(repeatedUnhold).toMatchObject([
      { event: 'Error', data: '480 No dialog legs on hold' },
      { event: 'Ended' },
    ]);
  });

  it('an attended transfer of a phone without Replaces calls the destination anew, and says how that ends', async () => {
    const callidA = await startCall('keep.30', 'norep-plain.31');
    const callidB = await startCall('keep.32', 'keep.33');
    const notifications = await client.runToEnd('CallAttendedTransfer', {
      callidA,
      legA: 'callee',
      callidB,
      legB: 'callee',
    });
    const newCallid = callidOf(notifications, 'TransferStart');
    expect(errorText(notifications)).toMatch(
      /: the phone probably does not support Replaces: it has called sip:keep\.33@/,
    );
    // Nobody else says which of the three calls go on.
    expect(errorText(notifications)).toMatch(
      new RegExp(
        `New call ${newCallid}: answered\\. Transferred call ${callidA}: ended\\. .* ${callidB}: active\\.$`,
      ),
    );
    expect(activeDialogs('keep.33').map(({ callid }) => callid)).toEqual([callidB, newCallid]);
  });

  it('a hold fails and reports the leg that refuses', async () => {
    const callid = await startCall('keep.21', 'nohold.21');
    const notifications = await client.runToEnd('CallHold', { callid });
    expect(eventNames(notifications)).toContain('CallHoldFailed');
    expect(notifications.find(({ event }) => event === 'CallHoldFailed')?.data).toEqual({ leg: 'callee' });
    expect(eventNames(notifications).slice(-2)).toEqual(['Error', 'Ended']);
  });

  it('a transfer that its destination rejects leaves the call active, and can be tried again', async () => {
    const callid = await startCall('keep.22', 'keep.23');
    const refused = await client.runToEnd('CallBlindTransfer', {
      callid,
      leg: 'callee',
      destination: phoneUri('phone-busy.22'),
    });
    expect(errorText(refused)).toBe('transfer failed with status 486 Busy Here');
    const repeated = await client.runToEnd('CallBlindTransfer', {
      callid,
      leg: 'callee',
      destination: phoneUri('bob.22'),
    });
    expect(eventNames(repeated).slice(-2)).toEqual(['TransferSuccessful', 'Ended']);
    const transferred = callidOf(repeated, 'TransferSuccessful');
    expect(activeDialogs('keep.22', 'keep.23').map((dialog) => dialog.callid)).toEqual([transferred]);
  });

  it('a second transfer is refused while one is pending, and reports nothing of the first', async () => {
    const callid = await startCall('keep.24', 'tells.25');
    const params = { callid, leg: 'callee' };
    const first = await client.start('CallBlindTransfer', {
      ...params,
      destination: phoneUri('answer-300.24'),
    });
    const second = await client.runToEnd('CallBlindTransfer', { ...params, destination: phoneUri('bob.24') });
    expect(second).toMatchObject([{ event: 'Error', data: '491 Request Pending' }, { event: 'Ended' }]);
    expect(eventNames(await first.ended)).toEqual([
      'Transferring',
      'TransferStart',
      'TransferPending',
      'TransferSuccessful',
      'Ended',
    ]);
  });

  it('an attended transfer that the other phone rejects leaves both calls active', async () => {
    const callidA = await startCall('keep.26', 'keep.27');
    const callidB = await startCall('keep.28', 'norep.29');
    const notifications = await client.runToEnd('CallAttendedTransfer', {
      callidA,
      legA: 'callee',
      callidB,
      legB: 'callee',
    });
    expect(errorText(notifications)).toBe('transfer failed with status 486 Busy Here');
    expect(activeDialogs('keep.26', 'keep.28').map((dialog) => dialog.callid)).toEqual([callidA, callidB]);
  });
});
