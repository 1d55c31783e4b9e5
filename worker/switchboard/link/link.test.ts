/** The edge's end of the link applies each message of the adapter once, whatever happens to its socket. */
import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { EdgeMessage } from '../../../shared/protocol/link.ts';
import { ScriptedAdapter } from '../../testing/adapter.ts';
import { Client } from '../../testing/client.ts';
import { dialogEvent, holdEvent, scriptByMethod } from '../../testing/scenarios.ts';
import { openSocket } from '../../testing/sockets.ts';
import { countSiteWrites } from '../../testing/storage.ts';

const ADAPTER_HEADERS = { Authorization: 'Bearer adapter-key-of-the-tests' };
const OPENSIPS = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
const hello = (stream: string, base = 1, changes: object = {}) =>
  JSON.stringify({
    type: 'hello',
    version: 1,
    adapter: 'test',
    stream,
    base,
    opensips: OPENSIPS,
    ...changes,
  });
const randomStream = () => crypto.randomUUID();

/** Connects an adapter, whose messages the test sends itself, and awaits the `welcome`. */
async function connect(stream: string, base = 1, changes: object = {}) {
  const socket = await openSocket('/adapter', ADAPTER_HEADERS);
  socket.send(hello(stream, base, changes));
  const first = await socket.next<EdgeMessage | EdgeMessage[]>();
  const messages = Array.isArray(first) ? first : [first];
  return { socket, welcome: messages[0], rest: messages.slice(1) };
}

it('begins an unknown stream at its base', async () => {
  const { welcome, socket } = await connect(randomStream(), 42);
  expect(welcome).toMatchObject({ type: 'welcome', version: 1, applied: 41 });
  socket.close();
});

it('closes the older socket of an adapter when a newer one connects', async () => {
  const stream = randomStream();
  const first = await connect(stream);
  const second = await connect(stream);
  expect(await first.socket.closed).toMatchObject({ code: 4408 });
  second.socket.close();
});

it('refuses a fifth adapter while four are connected, and accepts it afterward', async () => {
  const names = ['test', 'second', 'third', 'fourth'];
  const adapters = [];
  for (const adapter of names) adapters.push(await connect(randomStream(), 1, { adapter }));
  expect(adapters.map(({ welcome }) => welcome)).toMatchObject(
    ['active', 'standby', 'standby', 'standby'].map((role) => ({ type: 'welcome', role })),
  );
  const fifth = await openSocket('/adapter', ADAPTER_HEADERS);
  fifth.send(hello(randomStream(), 1, { adapter: 'fifth' }));
  expect(await fifth.closed).toMatchObject({ code: 4409, reason: expect.stringContaining('4 adapters') });
  adapters[3]?.socket.send(JSON.stringify({ type: 'goodbye' }));
  await adapters[3]?.socket.closed;
  const accepted = await connect(randomStream(), 1, { adapter: 'fifth' });
  expect(accepted.welcome).toMatchObject({ type: 'welcome', role: 'standby' });
  for (const { socket } of [...adapters, accepted]) socket.close();
});

it.each([
  ['of another version', hello(randomStream(), 1, { version: 99 }), 4406],
  ['that is not JSON', '{', 4400],
  ['of an unknown type', '{"type":"dance"}', 4400],
  ['with an unknown event', '{"type":"event","seq":1,"at":1,"name":"E_OTHER","params":{}}', 4400],
])('closes the socket after a message %s', async (_, frame, code) => {
  const socket = await openSocket('/adapter', ADAPTER_HEADERS);
  socket.send(frame);
  expect(await socket.closed).toMatchObject({ code });
});

it('ignores messages before `hello`', async () => {
  const stream = randomStream();
  const early = await openSocket('/adapter', ADAPTER_HEADERS);
  early.send(JSON.stringify({ type: 'event', seq: 1, at: 1, ...dialogEvent('x', 1, 2) }));
  const { welcome, socket } = await connect(stream);
  expect(welcome).toMatchObject({ applied: 0 });
  socket.close();
  early.close();
});

it('applies messages that are sent again after a reconnect once', async () => {
  const stream = randomStream();
  const client = await Client.connect();
  const first = await connect(stream);
  await client.request('CallHold', { callid: 'c1' });
  const mi = await first.socket.next<{ id: string }>();
  const sentTwice = [
    { type: 'reply', seq: 1, id: mi.id, result: 'OK' },
    { type: 'event', seq: 2, at: 1, ...holdEvent('c1', 'caller', 'start') },
    { type: 'event', seq: 3, at: 1, ...holdEvent('c1', 'callee', 'start') },
  ];
  first.socket.send(JSON.stringify(sentTwice));
  expect(await client.socket.next()).toMatchObject({ params: { event: 'CallHolding' } });
  first.socket.close();
  const second = await connect(stream);
  expect(second.welcome).toMatchObject({ applied: 3 });
  const rest = [
    { type: 'event', seq: 4, at: 1, ...holdEvent('c1', 'caller', 'ok') },
    { type: 'event', seq: 5, at: 1, ...holdEvent('c1', 'callee', 'ok') },
  ];
  second.socket.send(JSON.stringify([...sentTwice, ...rest]));
  const notifications = await client.untilEnded();
  expect(notifications.map(({ event }) => event)).toEqual([
    'CallHoldStart',
    'CallHoldStart',
    'CallHoldSuccessful',
    'CallHoldSuccessful',
    'Ended',
  ]);
  second.socket.close();
});

it('repeats a request without a reply to the same process, with the same id and no more time to live', async () => {
  const stream = randomStream();
  const client = await Client.connect();
  const first = await connect(stream);
  await client.request('CallEnd', { callid: 'c1' });
  const mi = await first.socket.next<{ id: string; ttl_ms: number }>();
  first.socket.close();
  const second = await connect(stream);
  expect(second.rest).toMatchObject([{ type: 'mi', id: mi.id, method: 'dlg_end_dlg' }]);
  const repeated = second.rest[0] as { ttl_ms: number };
  expect(repeated.ttl_ms).toBeLessThanOrEqual(mi.ttl_ms);
  second.socket.send(JSON.stringify({ type: 'reply', seq: 1, id: mi.id, result: 'OK' }));
  expect((await client.untilEnded()).map(({ event }) => event)).toEqual(['Ended']);
  second.socket.close();
});

it('never repeats an INVITE that an earlier process of the adapter has received', async () => {
  const client = await Client.connect();
  const first = await connect(randomStream());
  await client.request('CallStart', { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' });
  expect(await first.socket.next()).toMatchObject({ method: 't_uac_dlg' });
  first.socket.close();
  const adapter = await ScriptedAdapter.connect(
    scriptByMethod({
      dlg_list: () => ({ error: { code: 404, message: 'No such dialog' } }),
      dlg_end_dlg: () => ({ error: { code: 404, message: 'Requested Dialog not found' } }),
    }),
  );
  const notifications = await client.untilEnded();
  const methods = adapter.miRequests.map(({ method }) => method);
  expect(notifications).toMatchObject([{ event: 'Error', error: { code: -32014 } }, { event: 'Ended' }]);
  expect(methods).not.toContain('t_uac_dlg');
  expect(methods).toContain('dlg_list');
  adapter.close();
});

it('acknowledges after a hundred messages at the latest', async () => {
  const { socket } = await connect(randomStream());
  for (let seq = 1; seq <= 100; seq++) {
    socket.send(JSON.stringify({ type: 'event', seq, at: 1, ...dialogEvent(`unknown-${seq}`, 1, 5) }));
  }
  expect(await socket.next()).toEqual({ type: 'ack', seq: 100 });
  socket.close();
});

it('writes no row for events of calls that have ended', async () => {
  const object = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
  const { socket } = await connect(randomStream());
  for (let seq = 1; seq <= 100; seq++) {
    socket.send(JSON.stringify({ type: 'event', seq, at: 1, ...dialogEvent(`ended-${seq}`, 1, 5) }));
  }
  await socket.next();
  const before = await countSiteWrites(object);
  for (let seq = 101; seq <= 200; seq++) {
    socket.send(JSON.stringify({ type: 'event', seq, at: 1, ...dialogEvent(`ended-${seq - 100}`, 1, 2) }));
  }
  await socket.next();
  expect(await countSiteWrites(object)).toBe(before);
  socket.close();
});

it('resumes a stream after a reconnect, even if its messages were not logged', async () => {
  const stream = randomStream();
  const first = await connect(stream);
  for (let seq = 1; seq <= 100; seq++) {
    first.socket.send(JSON.stringify({ type: 'event', seq, at: 1, ...dialogEvent('unknown', 1, 2) }));
  }
  await first.socket.next();
  first.socket.close();
  const second = await connect(stream, 101);
  expect(second.welcome).toMatchObject({ applied: 100 });
  second.socket.close();
});

it('shows the adapter’s report of OpenSIPS in /healthz', async () => {
  const { socket } = await connect(randomStream());
  socket.send(JSON.stringify({ type: 'status', opensips: { ...OPENSIPS, reachable: false } }));
  const health = async () =>
    (await (await exports.default.fetch('http://localhost/healthz')).json()) as object;
  await expect.poll(health).toMatchObject({ link: { opensips: { reachable: false } } });
  socket.close();
});
