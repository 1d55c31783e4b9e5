/** What a client costs is charged to its subject and to its tenant, whatever it is sent over. */
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import type { Limits, Policy } from '../../../shared/policy/policy.ts';
import type { Client } from '../../testing/client.ts';
import { advanceClock, freezeClock } from '../../testing/clock.ts';
import { createHttpClient, createSender } from '../../testing/http.ts';
import { dialogEvent, scriptByMethod } from '../../testing/scenarios.ts';
import { type ClientOptions, clientPrincipal, policy, TestSite } from '../../testing/site.ts';

const ALICE = 'sub:alice';

let site: TestSite;
beforeEach(() => {
  site = new TestSite();
  freezeClock();
});
afterEach(() => void vi.useRealTimers());

const tooMany = (limit: keyof Limits) => ({ error: { code: -32003, data: { limit } } });

/** High limits for everything but what a test is about. */
const limited = (limits: Partial<Limits>): Policy =>
  policy({
    messages_per_second: 10_000,
    tenant_messages_per_second: 100_000,
    connections_per_minute: 60_000,
    tenant_connections_per_minute: 600_000,
    ...limits,
  });

it('counts the requests of 150 sockets of a subject as those of one, and not those of another one', async () => {
  const options = { subject: ALICE, policy: limited({ messages_per_second: 50 }) };
  const clients: Client[] = [];
  for (let n = 0; n < 150; n++) clients.push(await site.client(options));
  const other = await site.client({ ...options, subject: 'sub:bob' });
  const responses = await Promise.all(clients.map((client) => client.request('Echo')));
  expect(responses.filter(({ result }) => result)).toHaveLength(100);
  expect(responses.filter(({ error }) => error)).toHaveLength(50);
  expect(responses.find(({ error }) => error)).toMatchObject(tooMany('messages_per_second'));
  expect(await other.request('Echo')).toMatchObject({ result: {} });
});

it('bounds all subjects that a tenant issues tokens for, over sockets and over HTTP', async () => {
  const shared = limited({ tenant_messages_per_second: 20 });
  for (let n = 0; n < 5; n++) {
    const client = await site.client({ subject: `sub:socket-${n}`, policy: shared });
    expect(await client.request('Echo')).toMatchObject({ result: {} });
    const request = await createHttpClient(site, { subject: `sub:http-${n}` }, shared);
    expect((await request('GET', '/v1/calls')).status).toBe(200);
  }
  const client = await site.client({ subject: 'sub:another', policy: shared });
  expect(await client.request('Echo')).toMatchObject(tooMany('tenant_messages_per_second'));
  const request = await createHttpClient(site, { subject: 'sub:one-more' }, shared);
  expect((await request('GET', '/v1/calls')).body.limit).toBe('tenant_messages_per_second');
});

const rpc = (method: string, params?: object) => ({ jsonrpc: '2.0', id: 1, method, params });

/** Sends one request of alice, over a connection of its own. */
type Transport = (policy: Policy) => Promise<unknown>;

const overSocket =
  (message: unknown): Transport =>
  async (limits) => {
    const client = await site.client({ subject: ALICE, policy: limits });
    client.socket.send(JSON.stringify(message));
    return client.socket.next();
  };

const overHttp =
  (path: string, body?: object): Transport =>
  async (limits) => {
    const send = await createSender(site, { subject: ALICE }, limits);
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await send(path, init);
    await response.body?.cancel();
  };

it.each<[string, Transport]>([
  ['a message', overSocket(rpc('Echo'))],
  ['a query', overSocket(rpc('CallList', { limit: 1 }))],
  ['a page of a list', overSocket(rpc('CallList', { cursor: '7' }))],
  ['CommandGet', overSocket(rpc('CommandGet', { cmd_id: 'x' }))],
  ['Diagnose', overSocket(rpc('Diagnose'))],
  ['rpc.discover', overSocket(rpc('rpc.discover'))],
  ['an entry of a batch', overSocket([rpc('Echo')])],
  ['a message that is not JSON', overSocket('{')],
  ['a REST request', overHttp('/v1/calls')],
  ['JSON-RPC over HTTP', overHttp('/v1/rpc', rpc('Echo'))],
  ['an event stream', overHttp('/v1/events')],
  ['a request that waits', overHttp('/v1/commands/x?wait=1')],
])('counts %s, whatever the subject sends the next request over', async (_, send) => {
  const once = limited({ messages_per_second: 1 });
  const client = await site.client({ subject: ALICE, policy: once });
  expect(await client.request('Echo')).toMatchObject({ result: {} });
  await client.untilEnded();
  await send(once);
  expect(await client.request('Echo')).toMatchObject(tooMany('messages_per_second'));
  const http = await createHttpClient(site, { subject: ALICE }, once);
  expect((await http('GET', '/v1/calls')).body.limit).toBe('messages_per_second');
});

it('counts each entry of a batch, for all sockets of the subject', async () => {
  const options = { subject: ALICE, policy: limited({ messages_per_second: 1 }) };
  const [client, other] = [await site.client(options), await site.client(options)];
  client.socket.send(JSON.stringify(Array.from({ length: 10 }, () => rpc('CallList'))));
  expect(await client.socket.next()).toHaveLength(10);
  advanceClock(8_000);
  expect(await other.request('CallList')).toMatchObject(tooMany('messages_per_second'));
  advanceClock(1_000);
  expect(await other.request('CallList')).toMatchObject({ result: {} });
});

/** Connects as alice. */
const connections: readonly [string, (options: ClientOptions) => Promise<Response>][] = [
  ['WebSockets', (options) => site.requestSocket(clientPrincipal(options))],
  [
    'WebSockets that resume a session',
    (options) => site.requestSocket(clientPrincipal({ ...options, session: 'same', since: 0 })),
  ],
  [
    'event streams',
    async ({ subject = ALICE, policy: limits }) =>
      (await createSender(site, { subject }, limits))('/v1/events'),
  ],
];

it.each(connections)('bounds the %s that a subject opens a minute', async (_, open) => {
  const options = { subject: ALICE, policy: limited({ connections_per_minute: 5 }) };
  const statuses: number[] = [];
  for (let n = 0; n < 5; n++) {
    const response = await open(options);
    response.webSocket?.accept();
    statuses.push(response.status);
  }
  expect(new Set(statuses).size).toBe(1);
  for (const [, again] of connections) {
    const refused = await again(options);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '12']);
    expect(await refused.json()).toMatchObject({
      code: -32003,
      limit: 'connections_per_minute',
      retry_after: 12,
    });
  }
  const waiting = await createHttpClient(site, { subject: ALICE }, options.policy);
  expect((await waiting('GET', '/v1/commands/x?wait=1')).status, 'a request, and no connection').toBe(404);
  expect((await open({ ...options, subject: 'sub:bob', policy: limited({}) })).status).toBe(statuses[0]);
  advanceClock(12_000);
  expect((await open({ ...options, policy: options.policy })).status).toBe(statuses[0]);
});

it('bounds the connections of all subjects, but not those of adapters', async () => {
  const shared = limited({ tenant_connections_per_minute: 5 });
  for (let n = 0; n < 5; n++) await site.client({ subject: `sub:${n}`, policy: shared });
  const refused = await site.requestSocket(clientPrincipal({ subject: 'sub:another', policy: shared }));
  expect(await refused.json()).toMatchObject({ limit: 'tenant_connections_per_minute' });
  const adapter = await site.adapter(() => ({}));
  adapter.close();
});

it('bounds the connections of adapters by key', async () => {
  const request = (key: string) => site.requestSocket({ role: 'adapter', key, policy: policy() });
  for (let n = 0; n < 60; n++) {
    const { status, webSocket } = await request('adapter-1');
    webSocket?.accept();
    expect(status).toBe(101);
  }
  const refused = await request('adapter-1');
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '1']);
  expect((await request('adapter-2')).status).toBe(101);
  advanceClock(1_000);
  expect((await request('adapter-1')).status).toBe(101);
});

/** The smallest limit that an administrator can set. */
const MIN_BYTES = 65_536;

/** The params of a command that is stored, and fails at once. */
const STORED = { callid: 'none', cmd_id: 'stored', metadata: { text: 'x'.repeat(2_000) } };

/** An OpenSIPS whose list of dialogs cannot be read, and that knows no call to end. */
const endsNothing = scriptByMethod({
  dlg_list: () => ({ outcome: 'timeout' }),
  dlg_end_dlg: () => ({ error: { code: 404, message: 'Requested Dialog not found' } }),
});

/** Reads what the site has stored. Returns the text that the client receives, or the limit that refuses it. */
type Read = (client: Client, options: ClientOptions) => Promise<string>;

const request =
  (method: string, params?: object): Read =>
  async (client) =>
    JSON.stringify(await client.request(method, params));

it.each<[string, Read]>([
  ['CallList', request('CallList')],
  ['CallGet', request('CallGet', { callid: 'call-1' })],
  ['a snapshot', request('CallWatch', { callid: 'call-1' })],
  ['missed changes', request('CallWatch', { callid: 'call-1', since: 0 })],
  ['CommandGet', request('CommandGet', { cmd_id: 'stored' })],
  ['a repeated command', request('CallEnd', STORED)],
  ['rpc.discover', request('rpc.discover')],
  [
    'a resumed session',
    async (_, options) => {
      const response = await site.requestSocket(clientPrincipal({ ...options, session: 'first', since: 0 }));
      const { webSocket } = response;
      if (!webSocket) return response.text();
      // Pages are read in turns of their own.
      const received = new Promise((resolve) =>
        webSocket.addEventListener('message', resolve, { once: true }),
      );
      webSocket.accept();
      await received;
      return '';
    },
  ],
  [
    'an event stream',
    async (_, { policy: limits }) => {
      const response = await (await createSender(site, { subject: ALICE }, limits))('/v1/events?since=0');
      if (response.status !== 200) return response.text();
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      // The first chunk says when to reconnect; pages are read in turns of their own.
      for (let text = ''; reader && !text.includes('data:'); text = (await reader.read()).value ?? '');
      await reader?.cancel();
      return '';
    },
  ],
  [
    'JSON-RPC over HTTP',
    async (_, { policy: limits }) => {
      const http = await createHttpClient(site, { subject: ALICE }, limits);
      return JSON.stringify((await http('POST', '/v1/rpc', rpc('CallList'))).body);
    },
  ],
  [
    'a REST request',
    async (_, { policy: limits }) =>
      JSON.stringify(
        (await (await createHttpClient(site, { subject: ALICE }, limits))('GET', '/v1/calls')).body,
      ),
  ],
])('charges %s by the bytes that are read', async (_, read) => {
  const adapter = await site.adapter(endsNothing);
  for (let n = 1; n <= 20; n++) await adapter.raiseEvent(dialogEvent(`call-${n}`, 1, 2));
  const options = { subject: ALICE, policy: limited({ replayed_bytes_per_minute: MIN_BYTES }) };
  const first = await site.client({ ...options, session: 'first' });
  await first.runStored(STORED);
  const reader = await site.client(options);
  let refusal = '';
  for (let n = 0; n < 1_000 && refusal === ''; n++) {
    const text = await read(reader, options);
    if (text.includes('"limit":"')) refusal = text;
  }
  expect(refusal).toContain('"limit":"replayed_bytes_per_minute"');
  // Every other way is refused as well, and another subject's is not.
  expect(await (await site.client(options)).request('CallList')).toMatchObject(
    tooMany('replayed_bytes_per_minute'),
  );
  const other = await site.client({ ...options, subject: 'sub:bob' });
  expect(await other.request('CallList')).toMatchObject({ result: {} });
  adapter.close();
});

it('charges the bytes of what is sent, whatever the characters, and converts it to text once', async () => {
  const adapter = await site.adapter(scriptByMethod({}));
  const options = { subject: ALICE, policy: limited({ replayed_bytes_per_minute: MIN_BYTES }) };
  const callid = 'call-1';
  await adapter.raiseEvent(dialogEvent(callid, 1, 2));
  const metadata = { note: '電'.repeat(600) };
  await (await site.client(options)).request('CallHold', { callid, metadata, cmd_id: 'held' });
  const client = await site.client(options);
  let bytes = 0;
  const stringify = vi.spyOn(JSON, 'stringify');
  onTestFinished(() => stringify.mockRestore());
  const conversions = () =>
    stringify.mock.results.filter(({ value }) => /^\[?\{"jsonrpc".*"result".*電/.test(String(value))).length;
  const query = rpc('CommandGet', { cmd_id: 'held' });
  for (const [message, count] of [
    [query, 1],
    [[query, query], 2],
  ] as const) {
    client.socket.send(JSON.stringify(message));
    const response = await client.socket.next();
    expect(conversions()).toBe(count);
    stringify.mockClear();
    bytes += new TextEncoder().encode(JSON.stringify(response)).length;
    stringify.mockClear();
  }
  for (let n = 0; n < 1_000; n++) {
    const text = JSON.stringify(await client.request('CommandGet', { cmd_id: 'held' }));
    if (text.includes('replayed_bytes_per_minute')) break;
    bytes += new TextEncoder().encode(text).length;
  }
  expect(bytes).toBeGreaterThan(MIN_BYTES - 1_000);
  expect(bytes).toBeLessThan(MIN_BYTES + 5_000);
  adapter.close();
});

it('refuses reading to all subjects of a tenant once they have read too much together', async () => {
  const shared = limited({ tenant_replayed_bytes_per_minute: MIN_BYTES });
  const read = async (subject: string) =>
    (await site.client({ subject, policy: shared })).request('rpc.discover');
  for (const subject of ['sub:0', 'sub:1', 'sub:2'])
    expect(await read(subject)).toMatchObject({ result: {} });
  expect(await read('sub:3')).toMatchObject(tooMany('tenant_replayed_bytes_per_minute'));
});

it('runs commands of a subject that may not read', async () => {
  const options = { subject: ALICE, policy: limited({ replayed_bytes_per_minute: MIN_BYTES }) };
  const adapter = await site.adapter(endsNothing);
  const client = await site.client(options);
  for (let n = 0; n < 3; n++) await client.request('rpc.discover');
  expect(await client.request('CallList')).toMatchObject(tooMany('replayed_bytes_per_minute'));
  expect(await client.request('CallEnd', { callid: 'none' })).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('counts requests for the health of the site', async () => {
  const policies = limited({ messages_per_second: 2 });
  const client = await site.client({ subject: ALICE, policy: policies });
  for (let n = 0; n < 4; n++) expect(await site.object.health('key-1', ALICE)).toMatchObject({ running: 0 });
  expect(await site.object.health('key-1', ALICE)).toBeNull();
  expect(await client.request('Echo')).toMatchObject(tooMany('messages_per_second'));
});

it('refuses lists to a socket that has half of its limit unread, and to no other', async () => {
  const options = { subject: ALICE, policy: limited({ unread_bytes: 262_144 }) };
  const adapter = await site.adapter(endsNothing);
  const behind = await site.client({ ...options, session: 'behind' });
  for (let n = 0; n < 3; n++) behind.socket.send(JSON.stringify(rpc('Echo', { text: 'x'.repeat(60_000) })));
  for (let n = 0; n < 3; n++) await behind.untilEnded();
  expect(await behind.request('CallList')).toMatchObject(tooMany('unread_bytes'));
  expect(await behind.request('CallEnd', { callid: 'none' })).toMatchObject({ result: { event: 'Started' } });
  const other = await site.client({ ...options, session: 'other' });
  expect(await other.request('CallList')).toMatchObject({ result: {} });
  adapter.close();
});

it('bounds the bytes that commands have stored, of a subject and of all subjects, and not those of an Echo', async () => {
  const adapter = await site.adapter(endsNothing);
  const metadata = { note: 'x'.repeat(2_000) };
  const end = async (subject: string, n: number, limits: Policy) => {
    const client = await site.client({ subject, policy: limits });
    return client.request('CallEnd', { callid: `${subject}-${n}`, metadata });
  };
  // At once: four seconds of a subject's minute, one second of that of all.
  const own = limited({ written_bytes_per_minute: MIN_BYTES });
  const ended = [];
  for (let n = 0; n < 4; n++) ended.push(await end(ALICE, n, own));
  expect(ended.slice(0, 3)).toEqual(Array(3).fill(expect.objectContaining({ result: expect.anything() })));
  expect(ended[3]).toMatchObject(tooMany('written_bytes_per_minute'));
  expect(await end('sub:bob', 0, own)).toMatchObject({ result: {} });
  const alice = await site.client({ subject: ALICE, policy: own });
  expect(await alice.request('Echo', { metadata })).toMatchObject({ result: {} });
  const shared = limited({ tenant_written_bytes_per_minute: MIN_BYTES });
  expect(await end('sub:1', 0, shared)).toMatchObject({ result: {} });
  expect(await end('sub:2', 0, shared)).toMatchObject(tooMany('tenant_written_bytes_per_minute'));
  adapter.close();
});
