/** What an adapter must not be, or must not do: the edge then sends it nothing, says why in one line, and each command ends. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { phoneUri } from '../harness/client.ts';
import { type Misbehavior, proofOf } from '../harness/dial-listener.ts';
import { findFreePort } from '../harness/stack.ts';
import { DialStack } from './harness.ts';

const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };

/** What somebody sends who wants the edge to believe in a call. */
const FORGED = [
  {
    type: 'hello',
    version: 1,
    adapter: 'forged',
    stream: 'forged',
    base: 1,
    opensips: { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true },
  },
  {
    type: 'event',
    seq: 1,
    at: 0,
    name: 'E_DLG_STATE_CHANGED',
    params: {
      id: '1.2',
      db_id: 1,
      callid: 'forged',
      from_tag: 'a',
      to_tag: 'b',
      old_state: 1,
      new_state: 2,
    },
  },
];

let dialed: DialStack;

beforeAll(async () => {
  dialed = await DialStack.start();
  dialed.listener.greeting = FORGED;
});
afterAll(() => dialed[Symbol.asyncDispose]());

/** Returns a response that the listener writes instead of opening a WebSocket. */
const respondWith = (head: string): Misbehavior => ({
  respond: (socket) => socket.end(`HTTP/1.1 ${head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
});

it.each<[string, () => Misbehavior, RegExp]>([
  ['proves nothing', () => ({ prove: () => undefined }), /did not prove/],
  [
    'proves another secret',
    () => ({ prove: (...nonce) => proofOf(otherSecret(), ...nonce) }),
    /did not prove/,
  ],
  [
    'proves a key of clients',
    () => ({ prove: (...nonce) => proofOf(dialed.site.siteKey, ...nonce) }),
    /did not prove/,
  ],
  [
    'has a proof for another URL',
    () => ({ prove: (_, jti) => proofOf(dialed.site.adapterKey, 'https://example.com', jti) }),
    /did not prove/,
  ],
  [
    'sends the proof of an earlier connection',
    () => ({ prove: (aud) => proofOf(dialed.site.adapterKey, aud, earlierNonce()) }),
    /did not prove/,
  ],
  ['sends a malformed proof', () => ({ prove: () => `${'x'.repeat(5_000)}.y` }), /did not prove/],
  [
    'redirects',
    () => respondWith(`302 Found\r\nLocation: ${dialed.listener.url}`),
    /302.*redirects are not followed/,
  ],
  ['refuses the edge', () => respondWith('401 Unauthorized'), /401/],
  ['is another server', () => respondWith('200 OK'), /200 instead of opening a WebSocket/],
  ['does not answer', () => ({ respond: () => {} }), /did not answer within 5 s/],
])('does not link an adapter that %s', async (_, misbehave, reason) => {
  const { listener } = dialed;
  await dialed.setLink({ mode: 'accept' });
  const [frames, lines] = [listener.frames.length, dialed.edgeLog().length];
  listener.misbehavior = misbehave();
  await dialed.setLink({ mode: 'dial', url: listener.url });
  const client = await dialed.connectClient();
  const { error } = await client.request('CallStart', parties);
  expect(error).toMatchObject({ code: -32001, data: expect.stringContaining('there is no link') });
  await expect.poll(async () => (await dialed.link()).dial?.failure).toMatch(reason);
  expect(await dialed.link()).toMatchObject({ connected: false });
  expect(listener.frames.slice(frames)).toEqual([]);
  const logged = dialed.edgeLog().slice(lines);
  expect(logged).toEqual([expect.stringMatching(reason)]);
  expect(logged.join()).not.toMatch(/Bearer|eyJ/);
  client.close();
});

it('says that nothing listens there', async () => {
  await dialed.setLink({ mode: 'dial', url: `http://127.0.0.1:${await findFreePort()}/` });
  const client = await dialed.connectClient();
  const { error } = await client.request('CallStart', parties);
  expect(error?.data).toMatch(/could not be reached/);
  client.close();
});

it('gives up a server that accepts connections and is silent', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await dialed.setLink({ mode: 'dial', url: `http://127.0.0.1:${port}/` });
  const client = await dialed.connectClient();
  const { error } = await client.request('CallStart', parties);
  expect(error?.code).toBe(-32001);
  await expect.poll(async () => (await dialed.link()).dial?.failure).toMatch(/did not answer within 5 s/);
  client.close();
  server.close();
});

it('has believed nothing of what they have sent, and has asked OpenSIPS nothing', async () => {
  await dialed.setLink({ mode: 'accept' });
  const client = await dialed.connectClient();
  expect((await client.request('CallList', {})).result).toEqual({ calls: [] });
  expect(dialed.site.simulator.ledger.requests).toEqual([]);
  client.close();
  // The same messages of an adapter with the right proof are believed.
  dialed.listener.misbehavior = {};
  await dialed.setLink({ mode: 'dial', url: dialed.listener.url });
  const watcher = await dialed.connectClient();
  await watcher.request('CallWatch', {});
  await expect.poll(() => watcher.frames.join()).toContain('"callid":"forged"');
  watcher.close();
});

it.each([
  ['a private address', 'https://10.0.0.1/', 'not public'],
  ['an address in an unusual form', 'https://0x7f.1/link', undefined],
  ['the metadata of clouds', 'https://169.254.169.254/', 'not public'],
  ['http', 'http://adapter.example.com/', 'not an https'],
  ['credentials', 'https://user:password@adapter.example.com/', 'user name'],
  ['a fragment', 'https://adapter.example.com/#part', 'fragment'],
  ['another scheme', 'ftp://adapter.example.com/', 'such as https'],
  ['no host', 'https://', 'such as https'],
])('rejects a URL with %s', async (_, url, reason) => {
  const response = await dialed.stack.fetch(
    '/v1/admin/tenants/t1/sites/s1',
    'admin-secret-of-the-tests-0123456789',
    {
      method: 'PATCH',
      body: JSON.stringify({ link: { mode: 'dial', url } }),
    },
  );
  const { detail } = (await response.json()) as { detail?: string };
  // 0x7f.1 is 127.0.0.1, which this edge may dial.
  if (reason === undefined) expect(response.status).toBe(200);
  else expect([response.status, detail]).toEqual([400, expect.stringContaining(reason)]);
  expect(detail ?? '').not.toContain('password@');
});

/** Returns the nonce of the first attempt. */
function earlierNonce(): string {
  return String(dialed.listener.attempts[0]?.claims.jti);
}

function otherSecret(): string {
  const parts = dialed.site.adapterKey.split('.');
  return parts.with(5, 'another-secret-another-secret-another-secre').join('.');
}
