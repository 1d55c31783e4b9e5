/** How much of it: what is too much is refused and told so, for nobody but who asks too much. */
import { evictDurableObject } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { callsMade, scenarios, script } from './testing/scenarios.ts';
import { client, policy, Site } from './testing/site.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const echo = (id?: number) =>
  JSON.stringify({ jsonrpc: '2.0', ...(id === undefined ? {} : { id }), method: 'Echo' });
const tooMany = (limit: string) => ({
  error: {
    code: -32003,
    data: { retry_after: expect.any(Number), limit, reason: expect.any(String) },
  },
});

/** Time stands still, but for what {@link pass} lets pass. */
function stop(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
}
function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}
afterEach(() => void vi.useRealTimers());

it('messages a second: twice as many at once, and each session has its own', async () => {
  stop();
  const site = new Site();
  const of = policy({ messages_per_second: 2 });
  const [one, other] = [await site.client({ policy: of }), await site.client({ policy: of })];
  for (let n = 0; n < 4; n++) {
    expect(await one.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
    await one.toEnd();
  }
  expect(await one.ask('Echo')).toMatchObject(tooMany('messages_per_second'));
  expect(await other.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
  pass(500);
  expect(await one.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('a batch counts as many as it holds; each of its requests is told, and a notification is dropped', async () => {
  stop();
  const site = new Site();
  const one = await site.client({ policy: policy({ messages_per_second: 1 }) });
  one.socket.send(`[${[1, 2, 3, 4, 5].map(echo)}]`);
  expect(await one.socket.next()).toHaveLength(5);
  for (let n = 0; n < 5; n++) await one.toEnd();
  one.socket.send(echo());
  one.socket.send(`[${echo(6)},${echo()},1,${echo(7)}]`);
  expect(await one.socket.next()).toMatchObject([
    { id: 6, error: { code: -32003 } },
    { id: null, error: { code: -32600 } },
    { id: 7, error: { code: -32003, data: { retry_after: 4 } } },
  ]);
  pass(4_000);
  one.socket.send(echo(8));
  expect(await one.socket.next(), 'nothing in between was run').toMatchObject({ id: 8, result: {} });
});

it('who goes on far beyond its limit is closed and kept out for a while; others of the site are not', async () => {
  stop();
  const site = new Site();
  const of = policy({ messages_per_second: 1 });
  const one = await site.client({ policy: of, subject: 'flood' });
  const other = await site.client({ policy: of, subject: 'other' });
  for (let n = 0; n < 2; n++) {
    await one.ask('Echo');
    await one.toEnd();
  }
  for (let n = 0; n < 20; n++) expect(await one.ask('Echo')).toMatchObject(tooMany('messages_per_second'));
  one.socket.send(echo(99));
  expect(await one.socket.closed).toMatchObject({ code: 4429 });
  const knock = () => site.knock(client({ policy: of, subject: 'flood' }));
  const refused = await knock();
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '10']);
  expect(await other.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
  pass(10_000);
  expect((await knock()).status).toBe(101);
});

it('commands under way, counted through a sleep and until they have ended', async () => {
  const site = new Site();
  const adapter = await site.adapter(script({ call_hold: () => ({}) }));
  const of = policy({ commands_in_flight: 2 });
  const one = await site.client({ policy: of });
  const other = await site.client({ policy: of });
  for (const callid of ['c1', 'c2'])
    expect(await one.ask('CallHold', { callid })).toMatchObject({ result: { event: 'Started' } });
  await evictDurableObject(site.object);
  expect(await one.ask('CallHold', { callid: 'c3' })).toMatchObject(tooMany('commands_in_flight'));
  expect(await other.ask('CallHold', { callid: 'c3' })).toMatchObject({ result: { event: 'Started' } });
  await adapter.raise({
    name: 'E_CALL_HOLD',
    params: { callid: 'c1', leg: 'caller', action: 'hold', state: 'start' },
  });
  adapter.close();
});

it('one that has ended makes room', async () => {
  const site = new Site();
  const adapter = await site.adapter(scenarios.endNotFound);
  const one = await site.client({ policy: policy({ commands_in_flight: 1 }) });
  for (let n = 0; n < 3; n++) {
    expect(await one.ask('CallEnd', { callid: 'c1' })).toMatchObject({ result: { event: 'Started' } });
    await one.toEnd();
  }
  adapter.close();
});

it('a command that another session takes up counts there', async () => {
  const site = new Site();
  const adapter = await site.adapter(script({ call_hold: () => ({}) }));
  const of = policy({ commands_in_flight: 1 });
  const one = await site.client({ policy: of });
  const other = await site.client({ policy: of });
  const first = { callid: 'c1', cmd_id: 'first' };
  await one.ask('CallHold', first);
  expect(await other.ask('CallHold', first)).toMatchObject({ result: { replayed: true } });
  expect(await other.ask('CallHold', { callid: 'c2' })).toMatchObject(tooMany('commands_in_flight'));
  expect(await one.ask('CallHold', { callid: 'c2' })).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('CallStarts a second, of all sessions of the site together; one asked again is none', async () => {
  stop();
  const site = new Site();
  const adapter = await site.adapter(scenarios.callerBusy);
  const of = policy({ starts_per_second: 0.5 });
  const [one, other] = [await site.client({ policy: of }), await site.client({ policy: of })];
  const start = { ...uris, cmd_id: 'first' };
  expect(await one.ask('CallStart', start)).toMatchObject({ result: { event: 'Started' } });
  await one.toEnd();
  expect(await one.ask('CallStart', start)).toMatchObject({ result: { replayed: true } });
  expect(await other.ask('CallStart', uris)).toMatchObject({
    error: { code: -32003, data: { retry_after: 2, limit: 'starts_per_second' } },
  });
  expect(await other.ask('CallHold', { callid: 'c1' })).toMatchObject({ result: { event: 'Started' } });
  pass(2_000);
  await expect.poll(() => one.ask('CallStart', uris)).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('calls that stand, with those that are being made: one that ends makes room', async () => {
  const site = new Site();
  const adapter = await site.adapter(callsMade('one', 'two', 'three'));
  const one = await site.client({ policy: policy({ standing_calls: 2 }) });
  for (let n = 0; n < 2; n++) {
    expect(await one.ask('CallStart', uris)).toMatchObject({ result: { event: 'Started' } });
    await one.toEnd();
  }
  expect(await one.ask('CallStart', uris)).toMatchObject(tooMany('standing_calls'));
  await evictDurableObject(site.object);
  expect(await one.ask('CallStart', uris)).toMatchObject(tooMany('standing_calls'));
  await one.ask('CallEnd', { callid: 'one' });
  await one.toEnd();
  await expect.poll(() => one.ask('CallStart', uris)).toMatchObject({ result: { event: 'Started' } });
  await one.toEnd();
  expect(await one.ask('CallStart', uris)).toMatchObject(tooMany('standing_calls'));
  adapter.close();
});

it('a CallStart that still rings counts as a call', async () => {
  const site = new Site();
  const adapter = await site.adapter(script({ t_uac_dlg: () => ({}) }));
  const one = await site.client({ policy: policy({ standing_calls: 1 }) });
  expect(await one.ask('CallStart', uris)).toMatchObject({ result: { event: 'Started' } });
  expect(await one.ask('CallStart', uris)).toMatchObject(tooMany('standing_calls'));
  adapter.close();
});

it('bytes of a message, not characters', async () => {
  const site = new Site();
  const one = await site.client({ policy: policy({ message_bytes: 1_024 }) });
  const frame = (text: string) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'Echo', params: { text } });
  const room = 1_024 - frame('').length;
  one.socket.send(frame('x'.repeat(room)));
  expect(await one.socket.next()).toMatchObject({ result: { event: 'Started' } });
  await one.toEnd();
  for (const text of ['x'.repeat(room + 1), `${'x'.repeat(room - 1)}é`]) {
    one.socket.send(frame(text));
    expect(await one.socket.next()).toMatchObject({
      id: null,
      error: { code: -32600, data: 'the message is longer than 1024 bytes' },
    });
  }
});

it('sockets of a subject: one more is told when to come back, others may come, and one that leaves makes room', async () => {
  const site = new Site();
  const of = policy({ sessions_per_subject: 2 });
  const first = await site.client({ policy: of });
  const second = await site.client({ policy: of });
  const refused = await site.knock(client({ policy: of }));
  expect(refused.status).toBe(429);
  expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/);
  expect(await refused.json()).toMatchObject({ status: 429, detail: expect.stringContaining('2 sockets') });
  const other = await site.client({ policy: of, subject: 'key:other' });
  expect(await other.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
  await evictDurableObject(site.object);
  expect((await site.knock(client({ policy: of }))).status).toBe(429);
  second.socket.close();
  await second.socket.closed;
  const third = await site.client({ policy: of });
  expect(await third.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
  expect(await first.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('a session that comes back needs no room of its own', async () => {
  const site = new Site();
  const who = { session: 'mine', policy: policy({ sessions_per_subject: 1 }) };
  const first = await site.client(who);
  const second = await site.client(who);
  expect(await first.socket.closed).toMatchObject({ code: 4408 });
  expect(await second.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('limits that change hold at once, for sockets that stand too', async () => {
  stop();
  const site = new Site();
  const one = await site.client({ policy: policy({ messages_per_second: 1 }) });
  for (let n = 0; n < 2; n++) {
    await one.ask('Echo');
    await one.toEnd();
  }
  expect(await one.ask('Echo')).toMatchObject(tooMany('messages_per_second'));
  await site.object.govern(policy({ messages_per_second: 1_000 }, { version: 2 }));
  pass(1);
  expect(await one.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
  await one.toEnd();
  await site.object.govern(policy({ message_bytes: 1_024 }, { version: 3 }));
  pass(1_000);
  one.socket.send('x'.repeat(1_025));
  expect(await one.socket.next()).toMatchObject({ error: { code: -32600 } });
});
