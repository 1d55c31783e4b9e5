/** The limits of a tenant: a request beyond one is answered with `Too many`, and nobody else is affected. */
import { evictDurableObject } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { advanceClock, freezeClock } from '../../testing/clock.ts';
import { scenarios, scriptByMethod, statefulCalls } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const echo = (id?: number) =>
  JSON.stringify({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), method: 'Echo' });
const tooMany = (limit: string) => ({
  error: {
    code: -32003,
    data: { retry_after: expect.any(Number), limit, reason: expect.any(String) },
  },
});

afterEach(() => void vi.useRealTimers());

it('limits the messages of a subject a second, in a burst to twice as many', async () => {
  freezeClock();
  const site = new TestSite();
  const limited = policy({ messages_per_second: 2 });
  const [client, other] = [
    await site.client({ policy: limited }),
    await site.client({ policy: limited, subject: 'other' }),
  ];
  for (let n = 0; n < 4; n++) {
    expect(await client.request('Echo')).toMatchObject({ result: { event: 'Started' } });
    await client.untilEnded();
  }
  expect(await client.request('Echo')).toMatchObject(tooMany('messages_per_second'));
  expect(await other.request('Echo')).toMatchObject({ result: { event: 'Started' } });
  advanceClock(500);
  expect(await client.request('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('counts each request of a batch, rejects each one with an id and drops those without', async () => {
  freezeClock();
  const site = new TestSite();
  const client = await site.client({ policy: policy({ messages_per_second: 1 }) });
  client.socket.send(`[${[1, 2, 3, 4, 5].map(echo)}]`);
  expect(await client.socket.next()).toHaveLength(5);
  for (let n = 0; n < 5; n++) await client.untilEnded();
  client.socket.send(echo());
  client.socket.send(`[${echo(6)},${echo()},1,${echo(7)}]`);
  expect(await client.socket.next()).toMatchObject([
    { id: 6, error: { code: -32003 } },
    { id: null, error: { code: -32600 } },
    { id: 7, error: { code: -32003, data: { retry_after: 4 } } },
  ]);
  advanceClock(4_000);
  client.socket.send(echo(8));
  expect(await client.socket.next(), 'no rejected request was run').toMatchObject({ id: 8, result: {} });
});

it('limits the running commands of a session, after a hibernation too', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(scriptByMethod({ call_hold: () => ({}) }));
  const limited = policy({ commands_in_flight: 2 });
  const client = await site.client({ policy: limited });
  const other = await site.client({ policy: limited });
  for (const callid of ['c1', 'c2'])
    expect(await client.request('CallHold', { callid })).toMatchObject({ result: { event: 'Started' } });
  await evictDurableObject(site.object);
  expect(await client.request('CallHold', { callid: 'c3' })).toMatchObject(tooMany('commands_in_flight'));
  expect(await other.request('CallHold', { callid: 'c3' })).toMatchObject({ result: { event: 'Started' } });
  await adapter.raiseEvent({
    name: 'E_CALL_HOLD',
    params: { callid: 'c1', leg: 'caller', action: 'hold', state: 'start' },
  });
  adapter.close();
});

it('does not count an ended command as running', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(scenarios.endNotFound);
  const client = await site.client({ policy: policy({ commands_in_flight: 1 }) });
  for (let n = 0; n < 3; n++) {
    expect(await client.request('CallEnd', { callid: 'c1' })).toMatchObject({ result: { event: 'Started' } });
    await client.untilEnded();
  }
  adapter.close();
});

it('counts a running command for the session that repeated it last', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(scriptByMethod({ call_hold: () => ({}) }));
  const limited = policy({ commands_in_flight: 1 });
  const client = await site.client({ policy: limited });
  const other = await site.client({ policy: limited });
  const repeated = { callid: 'c1', cmd_id: 'repeated' };
  await client.request('CallHold', repeated);
  expect(await other.request('CallHold', repeated)).toMatchObject({ result: { replayed: true } });
  expect(await other.request('CallHold', { callid: 'c2' })).toMatchObject(tooMany('commands_in_flight'));
  expect(await client.request('CallHold', { callid: 'c2' })).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('limits the CallStarts of all sessions of a site a second, and does not count a repeated one', async () => {
  freezeClock();
  const site = new TestSite();
  const adapter = await site.adapter(scenarios.callerBusy);
  const limited = policy({ starts_per_second: 0.5 });
  const [client, other] = [await site.client({ policy: limited }), await site.client({ policy: limited })];
  const start = { ...URIS, cmd_id: 'first' };
  expect(await client.request('CallStart', start)).toMatchObject({ result: { event: 'Started' } });
  await client.untilEnded();
  expect(await client.request('CallStart', start)).toMatchObject({ result: { replayed: true } });
  expect(await other.request('CallStart', URIS)).toMatchObject({
    error: { code: -32003, data: { retry_after: 2, limit: 'starts_per_second' } },
  });
  expect(await other.request('CallHold', { callid: 'c1' })).toMatchObject({ result: { event: 'Started' } });
  advanceClock(2_000);
  await expect.poll(() => client.request('CallStart', URIS)).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('limits the active calls of a site, after a hibernation too, and accepts a new one when one has ended', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(statefulCalls('one', 'two', 'three'));
  const client = await site.client({ policy: policy({ standing_calls: 2 }) });
  for (let n = 0; n < 2; n++) {
    expect(await client.request('CallStart', URIS)).toMatchObject({ result: { event: 'Started' } });
    await client.untilEnded();
  }
  expect(await client.request('CallStart', URIS)).toMatchObject(tooMany('standing_calls'));
  await evictDurableObject(site.object);
  expect(await client.request('CallStart', URIS)).toMatchObject(tooMany('standing_calls'));
  await client.request('CallEnd', { callid: 'one' });
  await client.untilEnded();
  await expect.poll(() => client.request('CallStart', URIS)).toMatchObject({ result: { event: 'Started' } });
  await client.untilEnded();
  expect(await client.request('CallStart', URIS)).toMatchObject(tooMany('standing_calls'));
  adapter.close();
});

it('counts a running CallStart as an active call', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(scriptByMethod({ t_uac_dlg: () => ({}) }));
  const client = await site.client({ policy: policy({ standing_calls: 1 }) });
  expect(await client.request('CallStart', URIS)).toMatchObject({ result: { event: 'Started' } });
  expect(await client.request('CallStart', URIS)).toMatchObject(tooMany('standing_calls'));
  adapter.close();
});

it('limits the length of a message in bytes, not in characters', async () => {
  const site = new TestSite();
  const client = await site.client({ policy: policy({ message_bytes: 1_024 }) });
  const frame = (text: string) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'Echo', params: { text } });
  const maxLength = 1_024 - frame('').length;
  client.socket.send(frame('x'.repeat(maxLength)));
  expect(await client.socket.next()).toMatchObject({ result: { event: 'Started' } });
  await client.untilEnded();
  for (const text of ['x'.repeat(maxLength + 1), `${'x'.repeat(maxLength - 1)}é`]) {
    client.socket.send(frame(text));
    expect(await client.socket.next()).toMatchObject({
      id: null,
      error: { code: -32600, data: 'The message has more than 1024 bytes. Send a shorter one.' },
    });
  }
});

it('applies changed limits at once, to open sockets too', async () => {
  freezeClock();
  const site = new TestSite();
  const client = await site.client({ policy: policy({ messages_per_second: 1 }) });
  for (let n = 0; n < 2; n++) {
    await client.request('Echo');
    await client.untilEnded();
  }
  expect(await client.request('Echo')).toMatchObject(tooMany('messages_per_second'));
  await site.object.applyPolicy(policy({ messages_per_second: 1_000 }, { version: 2 }));
  advanceClock(1);
  expect(await client.request('Echo')).toMatchObject({ result: { event: 'Started' } });
  await client.untilEnded();
  await site.object.applyPolicy(policy({ message_bytes: 1_024 }, { version: 3 }));
  advanceClock(1_000);
  client.socket.send('x'.repeat(1_025));
  expect(await client.socket.next()).toMatchObject({ error: { code: -32600 } });
});

it('lets no more commands run when those that run take all that the site may store, but a CallEnd', async () => {
  // So that none of them times out.
  freezeClock();
  const site = new TestSite();
  const adapter = await site.adapter(scriptByMethod({ call_hold: () => ({}), dlg_end_dlg: () => ({}) }));
  const generous = policy({
    commands_in_flight: 100_000,
    messages_per_second: 10_000,
    tenant_messages_per_second: 100_000,
    written_bytes_per_minute: 4 * 1_024 ** 3,
    tenant_written_bytes_per_minute: 4 * 1_024 ** 3,
    stored_bytes: 16_777_216,
  });
  const client = await site.client({ policy: generous });
  const callid = (n: number) => `${n}`.padEnd(4_096, 'c');
  const metadata = { note: 'x'.repeat(2_000) };
  let running = 0;
  let refusal: unknown;
  for (; refusal === undefined && running < 10_000; running++) {
    const response = await client.request('CallHold', { callid: callid(running), metadata });
    if ('error' in response) refusal = response;
  }
  expect(refusal).toMatchObject(tooMany('stored_bytes'));
  expect(running).toBeGreaterThan(100);
  expect(await client.request('CallEnd', { callid: callid(0) })).toMatchObject({
    result: { event: 'Started' },
  });
  adapter.close();
});
