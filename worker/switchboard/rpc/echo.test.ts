/** Echo is answered on the socket that it came from, and leaves nothing. */
import { expect, it } from 'vitest';
import { createHttpClient } from '../../testing/http.ts';
import { scenarios } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';
import { alarmTime, countSiteWrites } from '../../testing/storage.ts';

const rpc = (id: number | undefined, params: object = {}) => ({ jsonrpc: '2.0', id, method: 'Echo', params });
const started = (id: number, cmd_id: unknown) => ({
  jsonrpc: '2.0',
  id,
  result: { cmd_id, event: 'Started' },
});
const reply = (cmd_id: unknown, data: object = {}) => notification({ cmd_id, event: 'Reply', data });
const ended = (cmd_id: unknown) => notification({ cmd_id, event: 'Ended' });

function notification(params: object): object {
  return { jsonrpc: '2.0', method: 'Echo', params };
}

const FILLER = 'x'.repeat(60_000);

it('sends the params back without a number, needs no scope, and stores nothing', async () => {
  const site = new TestSite();
  const client = await site.client({ scopes: [] });
  await client.request('Echo', {});
  await client.untilEnded();
  const before = [await countSiteWrites(site.object), await alarmTime(site.object)];
  const params = { text: FILLER, deep: [1, null, { metadata: { a: 1 } }], metadata: { b: 2 } };
  expect(await client.request('Echo', { ...params, cmd_id: 'mine' })).toEqual(started(2, 'mine'));
  expect(await client.socket.next()).toEqual(reply('mine', params));
  expect(await client.socket.next()).toEqual(ended('mine'));
  expect([await countSiteWrites(site.object), await alarmTime(site.object)]).toEqual(before);
});

it('sends the notifications of a batch after its responses, also those of a request without an id', async () => {
  const { socket } = await new TestSite().client();
  socket.send(
    JSON.stringify([rpc(1, { cmd_id: 'a', n: 1 }), rpc(undefined, { cmd_id: 'b' }), rpc(3, { cmd_id: 'c' })]),
  );
  expect(await socket.next()).toEqual([started(1, 'a'), started(3, 'c')]);
  for (const expected of [reply('a', { n: 1 }), ended('a'), reply('b'), ended('b'), reply('c'), ended('c')])
    expect(await socket.next()).toEqual(expected);
});

it('is another Echo when it is repeated: nothing is remembered of a cmd_id', async () => {
  const site = new TestSite();
  await site.adapter(scenarios.endNotFound);
  const client = await site.client();
  for (const n of [1, 2]) {
    expect(await client.request('Echo', { cmd_id: 'same', n })).toEqual(started(n, 'same'));
    expect(await client.untilEnded()).toMatchObject([{ event: 'Reply', data: { n } }, { event: 'Ended' }]);
  }
  expect(await client.request('CommandGet', { cmd_id: 'same' })).toMatchObject({ error: { code: -32005 } });
  const { result } = await client.request('CallEnd', { callid: 'none', cmd_id: 'same' });
  expect(result).toEqual({ cmd_id: 'same', event: 'Started' });
  await client.untilEnded();
  expect(await client.request('Echo', { cmd_id: 'same' })).toEqual(started(5, 'same'));
});

it('reaches no other socket: not the rest of the session, and no event stream', async () => {
  const site = new TestSite();
  await site.adapter(scenarios.endNotFound);
  const stream = await site.openSocket({ stream: { kind: 'events' } });
  await stream.next();
  const client = await site.client({ session: 'tab' });
  await client.request('Echo', { text: 'private' });
  await client.untilEnded();
  const { result } = await client.request('CallEnd', { callid: 'none', cmd_id: 'next' });
  expect(result).toMatchObject({ cmd_id: 'next' });
  // One that resumes from the beginning gets the first stored command at once.
  const resumed = await site.client({ session: 'tab', since: 0 });
  for (const socket of [stream, resumed.socket])
    expect([await socket.next()].flat()[0]).toMatchObject({ method: 'CallEnd', params: { cmd_id: 'next' } });
});

it('is only answered over HTTP, and a wait for its end finds no command', async () => {
  const site = new TestSite();
  await site.adapter(scenarios.endNotFound);
  const request = await createHttpClient(site);
  const session = await site.client({ subject: 'sub:alice', session: 'http' });
  const response = await request('POST', '/v1/rpc', rpc(1, { cmd_id: 'mine' }));
  expect([response.status, response.body]).toEqual([200, started(1, 'mine')]);
  expect(await request('POST', '/v1/rpc', rpc(undefined))).toMatchObject({ status: 204 });
  expect(await request('GET', '/v1/commands/mine?wait=60')).toMatchObject({ status: 404 });
  await request('DELETE', '/v1/calls/none', undefined, { 'Idempotency-Key': 'next' });
  expect(await session.socket.next()).toMatchObject({ method: 'CallEnd', params: { cmd_id: 'next' } });
});

it('counts as read: it is refused while a limit of what may be read is used up', async () => {
  const tight = { policy: policy({ replayed_bytes_per_minute: 65_536 }) };
  const client = await new TestSite().client(tight);
  for (let n = 0; n < 2; n++) {
    expect(await client.request('Echo', { text: FILLER })).toMatchObject({ result: {} });
    await client.untilEnded();
  }
  expect(await client.request('Echo')).toMatchObject({
    error: { code: -32003, data: { limit: 'replayed_bytes_per_minute' } },
  });
});

it('is refused to a socket that does not read what it is sent', async () => {
  const client = await new TestSite().client({
    acknowledges: true,
    policy: policy({ unread_bytes: 262_144 }),
  });
  for (let n = 0; n < 3; n++) client.socket.send(JSON.stringify(rpc(n, { text: FILLER })));
  client.socket.send(JSON.stringify(rpc(9)));
  const received: object[] = [];
  while (!received.some((message) => 'id' in message && message.id === 9))
    received.push(await client.socket.next<object>());
  expect(received.at(-1)).toMatchObject({ error: { code: -32003, data: { limit: 'unread_bytes' } } });
});
