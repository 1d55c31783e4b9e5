/** Somebody isn't there, or goes: a clear error within the deadline, never a hang. */
import { expect, it } from 'vitest';
import { events, phone } from './stack/client.ts';
import { startStack } from './stack/stack.ts';

const parties = { caller: phone('alice'), callee: phone('bob') };

it('no adapter: commands are refused at once with what to do, and Echo still works', async () => {
  await using stack = await startStack({ adapter: false });
  const client = await stack.client();
  const { error } = await client.ask('CallStart', parties);
  expect(error).toMatchObject({ code: -32001, data: expect.stringContaining('start the adapter') });
  expect(events(await client.toEnd('Echo', {}))).toEqual(['Reply', 'Ended']);
});

it('MI does not answer: each command says so within its deadline', async () => {
  await using stack = await startStack();
  const client = await stack.client();
  const callid = await stack.simulator.dial({ from: 'keep.1', to: 'keep.2' });
  for (const method of ['call_hold', 'call_transfer', 'dlg_end_dlg']) stack.simulator.silence(method);
  stack.simulator.silence('dlg_end_dlg');
  const told = await client.toEnd('CallEnd', { callid });
  expect(told).toMatchObject([
    { event: 'Error', data: expect.stringContaining('did not answer'), error: { code: -32013 } },
    { event: 'Ended' },
  ]);
});

it('nothing listens at the MI address: the command was not run, and says so', async () => {
  await using stack = await startStack({ adapter: false });
  await stack.startAdapter({ OPENSIPS_MI: '127.0.0.1:9' });
  await stack.linked(true);
  const client = await stack.client();
  const told = await client.toEnd('CallStart', parties);
  expect(told).toMatchObject([
    { event: 'Error', data: expect.stringContaining('was not sent') },
    { event: 'Ended' },
  ]);
});

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'the adapter goes mid-command (%s) and another comes: the command ends',
  async (signal) => {
    await using stack = await startStack({ adapter: false });
    const adapter = await stack.startAdapter();
    await stack.linked(true);
    const client = await stack.client();
    const run = await client.run('CallStart', { caller: phone('keep.1'), callee: phone('answer-1500.2') });
    await run.event('TransferStart');
    await adapter.stop(signal);
    await stack.linked(false);
    expect((await client.ask('CallEnd', { callid: 'x' })).error).toMatchObject({ code: -32001 });
    await stack.startAdapter();
    const told = await run.ended;
    expect(events(told).at(-1)).toBe('Ended');
    expect(events(told)).toContain('CalleeAnswered');
  },
);

it('the adapter goes mid-command and does not come back: a clear error within the deadline', async () => {
  await using stack = await startStack({ adapter: false });
  const adapter = await stack.startAdapter();
  await stack.linked(true);
  const client = await stack.client();
  const run = await client.run('CallStart', { caller: phone('ring.1'), callee: phone('bob'), timeout: 5 });
  await run.event('CallerRinging');
  await adapter.stop('SIGKILL');
  expect(await run.ended).toMatchObject([
    { event: 'CallerRinging' },
    { event: 'Error', data: 'failed to establish initial call: 408 Request Timeout' },
    { event: 'Ended' },
  ]);
});

it('a client that leaves does not stop its command', async () => {
  await using stack = await startStack();
  const client = await stack.client();
  const run = await client.run('CallStart', { caller: phone('keep.1'), callee: phone('answer-500.2') });
  await run.event('TransferStart');
  client.close();
  await expect.poll(async () => (await stack.health()).running, { timeout: 5_000 }).toBe(0);
  const standing = stack.simulator.ledger.dialogs.filter(({ state }) => state < 5);
  expect(standing).toHaveLength(1);
  expect(standing[0]).toMatchObject({ to: expect.stringContaining('answer-500.2'), state: 4 });
});
