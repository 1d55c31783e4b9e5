/** A component is missing or fails: commands end with a clear error within their deadline, and never hang. */
import { expect, it } from 'vitest';
import type { CommandMethod } from '../shared/protocol/rpc/commands.ts';
import { eventNames, phoneUri } from './harness/client.ts';
import { startStack } from './harness/stack.ts';

const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };

it('refuses commands immediately without an adapter, says what to do, and still answers Echo', async () => {
  await using stack = await startStack({ startsAdapter: false });
  const client = await stack.connectClient();
  const { error } = await client.request('CallStart', parties);
  expect(error).toMatchObject({ code: -32001, data: expect.stringContaining('Start the adapter') });
  expect(eventNames(await client.runToEnd('Echo', {}))).toEqual(['Reply', 'Ended']);
});

/** Each command with a call, and its params: a new command cannot be forgotten. */
const paramsOnCalls: Readonly<Record<CommandMethod, (...callids: [string, string]) => object>> = {
  Echo: () => ({ hello: 'world' }),
  CallStart: () => ({ ...parties, timeout: 5 }),
  CallEnd: (callid) => ({ callid }),
  CallHold: (callid) => ({ callid }),
  CallUnhold: (callid) => ({ callid }),
  CallBlindTransfer: (callid) => ({ callid, leg: 'callee', destination: phoneUri('carol') }),
  CallAttendedTransfer: (callidA, callidB) => ({ callidA, legA: 'callee', callidB, legB: 'callee' }),
};
/** How those end of which it is known that nothing has happened, or that nothing may happen any more. */
const CODES: Readonly<Record<string, number | 'none'>> = { Echo: 'none', CallStart: -32012 };

it('ends each command within its deadline if MI does not answer its request', {
  timeout: 120_000,
}, async () => {
  await using stack = await startStack({ startsAdapter: false });
  await stack.startAdapter({ FR_TIMEOUT: '1' });
  await stack.waitForLink(true);
  const client = await stack.connectClient();
  const prepared = await Promise.all(
    Object.entries(paramsOnCalls).map(async ([method, paramsOn], n) => {
      const dial = (name: string) =>
        stack.simulator.dial({ from: `keep.${name}${n}`, to: `keep.${name}to${n}` });
      const callids: [string, string] = [await dial('a'), await dial('b')];
      if (method === 'CallUnhold') await client.runToEnd('CallHold', { callid: callids[0] });
      return [method, paramsOn(...callids)] as const;
    }),
  );
  stack.simulator.silence([
    't_uac_dlg',
    'dlg_send_sequential',
    'dlg_end_dlg',
    'call_hold',
    'call_unhold',
    'call_transfer',
  ]);
  const outcomes = await Promise.all(
    prepared.map(async ([method, params]) => {
      const notifications = await client.runToEnd(method, params);
      const error = notifications.find(({ event }) => event === 'Error');
      return [method, error?.error?.code ?? 'none', notifications.at(-1)?.event];
    }),
  );
  expect(outcomes).toEqual(
    Object.keys(paramsOnCalls).map((method) => [method, CODES[method] ?? -32013, 'Ended']),
  );
});

it('reports that the command was not run if nothing listens at the MI address', async () => {
  await using stack = await startStack({ startsAdapter: false });
  await stack.startAdapter({ OPENSIPS_MI: '127.0.0.1:9' });
  await stack.waitForLink(true);
  const client = await stack.connectClient();
  const notifications = await client.runToEnd('CallStart', parties);
  expect(notifications).toMatchObject([
    { event: 'Error', data: expect.stringContaining('was not sent') },
    { event: 'Ended' },
  ]);
});

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'completes a command although its adapter is stopped by %s and replaced by another one',
  async (signal) => {
    await using stack = await startStack({ startsAdapter: false });
    const adapter = await stack.startAdapter();
    await stack.waitForLink(true);
    const client = await stack.connectClient();
    const run = await client.start('CallStart', {
      caller: phoneUri('keep.1'),
      callee: phoneUri('answer-1500.2'),
    });
    await run.waitForEvent('TransferStart');
    await adapter.stop(signal);
    await stack.waitForLink(false);
    expect((await client.request('CallEnd', { callid: 'x' })).error).toMatchObject({ code: -32001 });
    await stack.startAdapter();
    const notifications = await run.ended;
    expect(eventNames(notifications).at(-1)).toBe('Ended');
    expect(eventNames(notifications)).toContain('CalleeAnswered');
  },
);

it('fails a command within its deadline if the adapter is killed and does not return', async () => {
  await using stack = await startStack({ startsAdapter: false });
  const adapter = await stack.startAdapter();
  await stack.waitForLink(true);
  const client = await stack.connectClient();
  const run = await client.start('CallStart', {
    caller: phoneUri('ring.1'),
    callee: phoneUri('bob'),
    timeout: 5,
  });
  await run.waitForEvent('CallerRinging');
  await adapter.stop('SIGKILL');
  expect(await run.ended).toMatchObject([
    { event: 'CallerRinging' },
    { event: 'Error', data: 'failed to establish initial call: 408 Request Timeout' },
    { event: 'Ended' },
  ]);
});

it('completes a command although its client has disconnected', async () => {
  await using stack = await startStack();
  const client = await stack.connectClient();
  const run = await client.start('CallStart', {
    caller: phoneUri('keep.1'),
    callee: phoneUri('answer-500.2'),
  });
  await run.waitForEvent('TransferStart');
  client.close();
  await expect.poll(async () => (await stack.fetchHealth()).running, { timeout: 5_000 }).toBe(0);
  const activeDialogs = stack.simulator.ledger.dialogs.filter(({ state }) => state < 5);
  expect(activeDialogs).toHaveLength(1);
  expect(activeDialogs[0]).toMatchObject({ to: expect.stringContaining('answer-500.2'), state: 4 });
});
