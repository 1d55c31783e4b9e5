/** The edge's end of the link: what an adapter says counts once, whatever happens to its socket. */
import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { FromEdge } from '../shared/link.ts';
import { ScriptedAdapter } from './testing/adapter.ts';
import { Client } from './testing/client.ts';
import { dialog, held, script } from './testing/scenarios.ts';
import { open } from './testing/sockets.ts';

const KEY = { Authorization: 'Bearer adapter-key-of-the-tests' };
const opensips = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
const hello = (stream: string, base = 1, more: object = {}) =>
  JSON.stringify({ type: 'hello', version: 1, adapter: 'test', stream, base, opensips, ...more });
const fresh = () => crypto.randomUUID();

/** A bare socket of an adapter that has been welcomed. */
async function connect(stream: string, base = 1, more: object = {}) {
  const socket = await open('/adapter', KEY);
  socket.send(hello(stream, base, more));
  const first = await socket.next<FromEdge | FromEdge[]>();
  const messages = Array.isArray(first) ? first : [first];
  return { socket, welcome: messages[0], rest: messages.slice(1) };
}

it('an unknown stream is taken up where its adapter stands', async () => {
  const { welcome, socket } = await connect(fresh(), 42);
  expect(welcome).toMatchObject({ type: 'welcome', version: 1, applied: 41 });
  socket.close();
});

it('a newer socket of the same adapter supersedes the older', async () => {
  const stream = fresh();
  const first = await connect(stream);
  const second = await connect(stream);
  expect(await first.socket.closed).toMatchObject({ code: 4408 });
  second.socket.close();
});

it('another adapter is refused while one is there, and taken once that has gone', async () => {
  const first = await connect(fresh());
  const other = await open('/adapter', KEY);
  other.send(hello(fresh(), 1, { adapter: 'other' }));
  expect(await other.closed).toMatchObject({ code: 4409, reason: expect.stringContaining('test') });
  first.socket.send(JSON.stringify({ type: 'goodbye' }));
  await first.socket.closed;
  const again = await connect(fresh(), 1, { adapter: 'other' });
  expect(again.welcome).toMatchObject({ type: 'welcome' });
  again.socket.close();
});

it.each([
  ['another version', hello(fresh(), 1, { version: 99 }), 4406],
  ['what is not JSON', '{', 4400],
  ['a message of no protocol', '{"type":"dance"}', 4400],
  ['an event that is none', '{"type":"event","seq":1,"at":1,"name":"E_OTHER","params":{}}', 4400],
])('%s closes the socket', async (_, frame, code) => {
  const socket = await open('/adapter', KEY);
  socket.send(frame);
  expect(await socket.closed).toMatchObject({ code });
});

it('what comes before hello, or on a superseded socket, is passed over', async () => {
  const stream = fresh();
  const early = await open('/adapter', KEY);
  early.send(JSON.stringify({ type: 'event', seq: 1, at: 1, ...dialog('x', 1, 2) }));
  const { welcome, socket } = await connect(stream);
  expect(welcome).toMatchObject({ applied: 0 });
  socket.close();
  early.close();
});

it('a reply that is said again is applied once', async () => {
  const stream = fresh();
  const client = await Client.connect();
  const first = await connect(stream);
  await client.ask('CallHold', { callid: 'c1' });
  const mi = await first.socket.next<{ id: string }>();
  const said = [
    { type: 'reply', seq: 1, id: mi.id, result: 'OK' },
    { type: 'event', seq: 2, at: 1, ...held('c1', 'caller', 'start') },
    { type: 'event', seq: 3, at: 1, ...held('c1', 'callee', 'start') },
  ];
  first.socket.send(JSON.stringify(said));
  expect(await client.socket.next()).toMatchObject({ params: { event: 'CallHolding' } });
  first.socket.close();
  const second = await connect(stream);
  expect(second.welcome).toMatchObject({ applied: 3 });
  const rest = [
    { type: 'event', seq: 4, at: 1, ...held('c1', 'caller', 'ok') },
    { type: 'event', seq: 5, at: 1, ...held('c1', 'callee', 'ok') },
  ];
  second.socket.send(JSON.stringify([...said, ...rest]));
  const told = await client.toEnd();
  expect(told.map(({ event }) => event)).toEqual([
    'CallHoldStart',
    'CallHoldStart',
    'CallHoldSuccessful',
    'CallHoldSuccessful',
    'Ended',
  ]);
  second.socket.close();
});

it('a request that is unanswered is sent again to the same process, with the same id and less time', async () => {
  const stream = fresh();
  const client = await Client.connect();
  const first = await connect(stream);
  await client.ask('CallEnd', { callid: 'c1' });
  const mi = await first.socket.next<{ id: string; ttl_ms: number }>();
  first.socket.close();
  const second = await connect(stream);
  expect(second.rest).toMatchObject([{ type: 'mi', id: mi.id, method: 'dlg_end_dlg' }]);
  const again = second.rest[0] as { ttl_ms: number };
  expect(again.ttl_ms).toBeLessThanOrEqual(mi.ttl_ms);
  second.socket.send(JSON.stringify({ type: 'reply', seq: 1, id: mi.id, result: 'OK' }));
  expect((await client.toEnd()).map(({ event }) => event)).toEqual(['Ended']);
  second.socket.close();
});

it('an INVITE that another process had been given is never sent again', async () => {
  const client = await Client.connect();
  const first = await connect(fresh());
  await client.ask('CallStart', { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' });
  expect(await first.socket.next()).toMatchObject({ method: 't_uac_dlg' });
  first.socket.close();
  const asked: string[] = [];
  const adapter = await ScriptedAdapter.connect(
    script({
      dlg_list: () => ({ error: { code: 404, message: 'No such dialog' } }),
      dlg_end_dlg: () => ({ error: { code: 404, message: 'Requested Dialog not found' } }),
    }),
  );
  const told = await client.toEnd();
  asked.push(...adapter.asked.map(({ method }) => method));
  expect(told).toMatchObject([{ event: 'Error', error: { code: -32014 } }, { event: 'Ended' }]);
  expect(asked).not.toContain('t_uac_dlg');
  expect(asked).toContain('dlg_list');
  adapter.close();
});

it('acknowledges what it has stored, with the next request or after a hundred messages', async () => {
  const { socket } = await connect(fresh());
  for (let seq = 1; seq <= 100; seq++) {
    socket.send(JSON.stringify({ type: 'event', seq, at: 1, ...dialog(`stranger-${seq}`, 1, 5) }));
  }
  expect(await socket.next()).toEqual({ type: 'ack', seq: 100 });
  socket.close();
});

it('a dialog that is not ours costs no row', async () => {
  const stub = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
  const written = () =>
    runInDurableObject(
      stub,
      (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n,
    );
  const { socket } = await connect(fresh());
  const before = await written();
  for (let seq = 1; seq <= 100; seq++) {
    socket.send(JSON.stringify({ type: 'event', seq, at: 1, ...dialog(`stranger-${seq}`, 1, 2) }));
  }
  await socket.next();
  expect(await written()).toBe(before);
  socket.close();
});

it('knows its place after a reconnect, also where that cost no row', async () => {
  const stream = fresh();
  const first = await connect(stream);
  for (let seq = 1; seq <= 100; seq++) {
    first.socket.send(JSON.stringify({ type: 'event', seq, at: 1, ...dialog('stranger', 1, 2) }));
  }
  await first.socket.next();
  first.socket.close();
  const second = await connect(stream, 101);
  expect(second.welcome).toMatchObject({ applied: 100 });
  second.socket.close();
});

it('tells /healthz what the adapter says of its OpenSIPS', async () => {
  const { socket } = await connect(fresh());
  socket.send(JSON.stringify({ type: 'status', opensips: { ...opensips, reachable: false } }));
  const health = async () =>
    (await (await exports.default.fetch('http://localhost/healthz')).json()) as object;
  await expect.poll(health).toMatchObject({ link: { opensips: { reachable: false } } });
  socket.close();
});
