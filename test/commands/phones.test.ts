/** What phones do by their own will, and what a script does to a call: commands on OpenSIPS 3.4, 3.6 and 4.0. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, callidOf, eventNames, type Notification, phoneUri } from '../harness/client.ts';
import { type Stack, startStack } from '../harness/stack.ts';

const FR_TIMEOUT_MS = 1_000;

const errorOf = (notifications: readonly Notification[]) =>
  notifications.find(({ event }) => event === 'Error');

describe.concurrent.each(['3.4.18', '3.6.8', '4.0.1'] as const)('OpenSIPS %s', (version) => {
  /** OpenSIPS 3.4 sends no REFER within a dialog, and callops transfers a call only once. */
  const sendsRefer = version !== '3.4.18';
  let stack: Stack;
  let client: Client;
  beforeAll(async () => {
    stack = await startStack({ version, timers: { frTimeoutMs: FR_TIMEOUT_MS }, startsAdapter: false });
    await stack.startAdapter({ FR_TIMEOUT: String(FR_TIMEOUT_MS / 1_000) });
    await stack.waitForLink(true);
    client = await stack.connectClient();
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  const runCallStart = (caller: string, callee: string) =>
    client.runToEnd('CallStart', { caller: phoneUri(caller), callee: phoneUri(callee) });
  const startCall = async (caller: string, callee: string) =>
    callidOf(await runCallStart(caller, callee), 'CalleeAnswered');
  const transfer = (callid: string, destination: string) =>
    client.runToEnd('CallBlindTransfer', { callid, leg: 'callee', destination: phoneUri(destination) });
  const standing = (callid: string) =>
    stack.simulator.ledger.findDialogs(callid).find(({ state }) => state < 5);

  it.each([
    ['CallHold', 'sendrecv'],
    ['CallUnhold', 'sendonly'],
  ])('a vanished phone fails %s with 408, and the other is put back', async (method, direction) => {
    const callid = await startCall(`keep.${method}`, `alice.${method}`);
    if (method === 'CallUnhold') await client.runToEnd('CallHold', { callid });
    stack.simulator.freeze(`alice.${method}`);
    const notifications = await client.runToEnd(method, { callid });
    stack.simulator.thaw(`alice.${method}`);
    expect(errorOf(notifications)).toMatchObject({ error: { sip: { status: 408 } } });
    expect(standing(callid)?.caller.receivedDirection).toBe(direction);
    expect(eventNames(await client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
  });

  it.each([
    ['the phone of the callee challenges', 'follow.1', 'gw.1'],
    ['the phone of the callee challenges with 401', 'follow.2', 'gw401.2'],
    ['the callee is elsewhere', 'follow.3', 'redir.3'],
    ['the script challenges after create_dialog()', 'alice.4', 'challenge.4'],
  ])('a call that goes on because %s is answered, listed and controlled', async (_, caller, callee) => {
    const notifications = await runCallStart(caller, callee);
    expect(eventNames(notifications).slice(-2)).toEqual(['CalleeAnswered', 'Ended']);
    const callid = callidOf(notifications, 'CalleeAnswered');
    expect(await client.request('CallGet', { callid })).toMatchObject({
      result: { call: { callid, state: 'answered' } },
    });
    const hold = await client.runToEnd('CallHold', { callid });
    expect(eventNames(hold).slice(-2)).toEqual(['CallHoldSuccessful', 'Ended']);
    expect(eventNames(await client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
    expect(standing(callid)).toBeUndefined();
  });

  it('a call that does not go on after a challenge fails with its status', async () => {
    const notifications = await runCallStart('alice.5', 'gw.5');
    expect(errorOf(notifications)).toMatchObject({ error: { sip: { status: 407 } } });
  });

  it.runIf(sendsRefer)('a call is transferred again after two attempts that failed', async () => {
    const callid = await startCall('keep.6', 'keep.7');
    expect(errorOf(await transfer(callid, 'phone-busy.6'))).toMatchObject({
      error: { sip: { status: 486 } },
    });
    expect(errorOf(await transfer(callid, 'nobody.6'))).toMatchObject({ error: { sip: { status: 404 } } });
    expect(eventNames(await transfer(callid, 'bob.6')).slice(-2)).toEqual(['TransferSuccessful', 'Ended']);
  });

  it.runIf(!sendsRefer)('callops transfers a call only once, and the error says so', async () => {
    const callid = await startCall('keep.6', 'keep.7');
    expect(errorOf(await transfer(callid, 'phone-busy.6'))).toMatchObject({
      error: { sip: { status: 486 } },
    });
    expect(errorOf(await transfer(callid, 'bob.6'))).toMatchObject({
      data: '491 Request Pending',
      error: { message: expect.stringContaining('callops transfers a call only once') },
    });
  });

  it('shows the callee’s address as From of the call to the caller, which some phones take as the other party', async () => {
    const run = await client.start('CallStart', { caller: phoneUri('ring.8'), callee: phoneUri('bob.8') });
    await run.waitForEvent('CallerRinging');
    const leg = stack.simulator.ledger.dialogs.find(({ to }) => to.includes('ring.8'));
    expect(leg).toMatchObject({ from: phoneUri('bob.8'), to: phoneUri('ring.8') });
    await client.runToEnd('CallEnd', { callid: run.cmdId });
  });

  it('an attended transfer to a phone that refuses Replaces leaves both calls active', async () => {
    const callidA = await startCall('keep.9', 'keep.10');
    const callidB = await startCall('keep.11', 'norep.12');
    const notifications = await client.runToEnd('CallAttendedTransfer', {
      callidA,
      legA: 'callee',
      callidB,
      legB: 'callee',
    });
    const names = eventNames(notifications);
    expect(names.at(-1)).toBe('Ended');
    for (const callid of [callidA, callidB]) expect(standing(callid), callid).toBeDefined();
    expect(names).toContain('Error');
  });

  it('refuses an attended transfer of a call to itself', async () => {
    const callid = await startCall('keep.13', 'keep.14');
    const params = { callidA: callid, legA: 'callee', callidB: callid, legB: 'callee' };
    expect(await client.request('CallAttendedTransfer', params)).toMatchObject({ error: { code: -32602 } });
  });

  it('ends a call twice, and does not know one that never was', async () => {
    const callid = await startCall('keep.15', 'keep.16');
    for (let n = 0; n < 2; n++)
      expect(eventNames(await client.runToEnd('CallEnd', { callid }))).toEqual(['Ended']);
    const unknown = await client.runToEnd('CallEnd', { callid: 'never-was' });
    expect(errorOf(unknown)).toMatchObject({ error: { code: -32005 } });
  });
});
