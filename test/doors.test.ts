/** The doors of the deployed configuration: what opens them, what does not, and what closes behind whom. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket as Ws } from 'ws';
import { type Route, routes } from '../shared/http.ts';
import type { Client } from './stack/client.ts';
import { until } from './stack/stack.ts';
import { ADMIN_SECRET, idOf, type Place, Tenants } from './stack/tenants.ts';
import { sealed, token, unsigned } from './tenants/forge.ts';

let all: Tenants;
let mine: Place;
let theirs: Place;
beforeAll(async () => {
  all = await Tenants.start({ tenants: 2, sites: 1, bare: ['t1-s1', 't2-s1'] });
  mine = all.at('t1-s1');
  theirs = all.at('t2-s1');
}, 30_000);
afterAll(() => all[Symbol.asyncDispose]());

const REFUSAL = {
  status: 401,
  detail: 'a key or a token that holds is needed: send it as Authorization: Bearer',
};

/** How an upgrade ends: the status of its refusal, or 101. */
async function knock(path: string, protocols: string[], headers = {}): Promise<number> {
  const socket = new Ws(`ws://127.0.0.1:${all.port}${path}`, protocols, { headers });
  socket.on('error', () => {});
  const [answer] = (await Promise.race([
    once(socket, 'upgrade'),
    once(socket, 'unexpected-response').then(([, response]) => [response as { statusCode: number }]),
  ])) as [{ statusCode: number }];
  socket.terminate();
  return answer.statusCode;
}

/**
 * A client that has said something. To one that never has, workerd sends the close frame at once as well, but ends its
 * TCP connection only 10 s later, and until then a client's own WebSocket does not count as closed.
 */
async function talking(credential: string, query = ''): Promise<Client> {
  const client = await all.connect(credential, query);
  await client.toEnd('Echo', {});
  return client;
}

/** Each way in, with a credential. */
const WAYS: readonly (readonly [string, (credential: string) => Promise<number>])[] = [
  ['a header at /call-api', (text) => knock('/call-api', [], { Authorization: `Bearer ${text}` })],
  ['a subprotocol', (text) => knock('/call-api', ['call-api.v1', `call-api.token.${text}`])],
  ['the query', (text) => knock(`/call-api?access_token=${encodeURIComponent(text)}`, [])],
  ['a header at /adapter', (text) => knock('/adapter', [], { Authorization: `Bearer ${text}` })],
  [
    '/v1/tokens',
    async (text) => (await all.get('/v1/tokens', text, { method: 'POST', body: '{"subject":"eve"}' })).status,
  ],
  ['/v1/admin', async (text) => (await all.get('/v1/admin/tenants', text)).status],
  ['/v1/calls', async (text) => (await all.get('/v1/calls', text)).status],
];

/** Every route of the HTTP API, with something for each part of its path. */
const ROUTES = (Object.values(routes) as Route[]).map(
  ({ verb, path }) => [verb, path.replace(/\{\w+\}/g, 'x')] as const,
);

it('what holds opens the doors that it is for, and no other', async () => {
  const minted = await all.mint(mine.siteKey, { subject: 'ann' });
  const opened: [string, string, number[]][] = [];
  for (const [what, credential] of [
    ['an API key', mine.siteKey],
    ['a token', minted],
    ['an adapter key', mine.adapterKey],
    ['the admin secret', ADMIN_SECRET],
  ] as const) {
    const answers = [];
    for (const [, way] of WAYS) answers.push(await way(credential));
    opened.push([what, '', answers]);
  }
  expect(opened.map(([what, , answers]) => [what, ...answers])).toEqual([
    ['an API key', 101, 101, 101, 401, 200, 401, 200],
    ['a token', 101, 101, 101, 401, 401, 401, 200],
    ['an adapter key', 401, 401, 401, 101, 401, 401, 401],
    ['the admin secret', 401, 401, 401, 401, 401, 200, 401],
  ]);
});

describe('what does not hold is refused everywhere, with one answer, and no object is made for it', () => {
  const said = () => ({ tenant: 't1', site: 's1', sub: 'ann', key: idOf(mine.siteKey) });
  const past = Math.floor(Date.now() / 1_000) - 10;
  const other = { secret: 'another-deployment-another-deployment' };
  const rows: readonly (readonly [string, () => string | Promise<string>])[] = [
    ['an expired token', () => token({ ...said(), iat: past - 60, exp: past })],
    ['a token that lasts too long', () => token({ ...said(), exp: past + 2 * 86_400 })],
    ['a token by another secret', () => token(said(), other)],
    ['a token of an unknown kid', () => token(said(), { kid: 'k9' })],
    ['a token by the secret of another kid', () => token(said(), { kid: 'k1' })],
    ['a token by the key of API keys', () => token(said(), { use: 'api-keys' })],
    ['a token of another algorithm', () => token(said(), { alg: 'HS512' })],
    ['a token of another type', () => token(said(), { typ: 'JWT' })],
    ['a token for another audience', () => token({ ...said(), aud: 'elsewhere' })],
    ['a token that nobody signed', () => unsigned(said())],
    ['a token that names the key of another tenant', () => token({ ...said(), key: idOf(theirs.siteKey) })],
    ['a token that names the tenant of another', () => token({ ...said(), tenant: 't2' })],
    ['a token for a site that there is not', () => token({ ...said(), site: 's9' })],
    ['a token of an adapter’s key', () => token({ ...said(), key: idOf(mine.adapterKey) })],
    ['a token without a subject', () => token({ ...said(), sub: undefined })],
    ['a key with a made-up MAC', () => `${mine.siteKey.slice(0, -6)}AAAAAA`],
    ['a key by another secret', () => sealed(mine.siteKey.split('.').slice(0, -1).join('.'), other)],
    ['a key of another tenant’s id', () => mine.siteKey.replace(idOf(mine.siteKey), idOf(theirs.siteKey))],
    ['a client’s key made an adapter’s', () => mine.siteKey.replace('.api.', '.adapter.')],
    [
      // Only the deployment could seal it: what a tenant's record lacks opens nothing all the same.
      'a well-sealed key with another secret',
      () => sealed(mine.siteKey.split('.').slice(0, 5).concat('A'.repeat(43)).join('.')),
    ],
    ['nothing', () => ''],
    ['undefined', () => 'undefined'],
  ];

  it.each(rows)('%s', async (_, make) => {
    const credential = await make();
    const before = await all.objects();
    for (const [way, ask] of WAYS) expect(await ask(credential), way).toBe(401);
    for (const [method, path] of ROUTES)
      expect((await all.get(path, credential, { method })).status, `${method} ${path}`).toBe(401);
    const refused = await all.get('/call-api', credential);
    expect(await refused.json()).toEqual(REFUSAL);
    expect(await all.objects()).toEqual(before);
  });
});

it('without a key or a token nothing answers but the pages, the documents and /healthz, and that tells no more than that it is well', async () => {
  const paths = [
    ...['/call-api', '/adapter', '/v1', '/v1/tokens', '/v1/admin', '/v1/admin/', '/v1/admin/tenants'],
    ...['/v1/admin/tenants/t1', '/v1/admin/tenants/t1/keys', '/v1/admin/tenants/t1/audit', '/v1/admin/audit'],
    ...[
      '/v1//admin/tenants',
      '//call-api',
      '/call-api/',
      '/CALL-API',
      '/%63all-api',
      '/../call-api',
      '/nowhere',
    ],
  ];
  const before = await all.objects();
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    for (const path of paths) {
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: '{"id":"t9"}' } : {};
      const { status } = await all.get(path, undefined, { method, ...body });
      expect([401, 404], `${method} ${path}`).toContain(status);
    }
  }
  for (const [method, path] of ROUTES)
    expect((await all.get(path, undefined, { method })).status, `${method} ${path}`).toBe(401);
  for (const method of ['PUT', 'PATCH', 'OPTIONS'])
    expect((await all.get('/v1/calls', undefined, { method })).status, method).toBe(405);
  const page = await all.get('/');
  expect([page.status, page.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8']);
  for (const path of ['/docs', '/openapi.json', '/openrpc.json', '/asyncapi.json'])
    expect((await all.get(path)).status, path).toBe(200);
  const health = await all.get('/healthz');
  expect(Object.keys((await health.json()) as object)).toEqual(['status', 'version']);
  expect(await all.objects()).toEqual(before);
});

it('every route that is documented refuses who brings nothing, unless its document says that it is open', async () => {
  const before = await all.objects();
  const { paths } = (await (await all.get('/openapi.json')).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security: unknown[] }>>>>;
  };
  for (const [path, verbs] of Object.entries(paths))
    for (const [verb, { security }] of Object.entries(verbs)) {
      const there = path.replace('{file}', 'none.js').replace(/\{\w+\}/g, 't1');
      const { status } = await all.get(there, undefined, { method: verb.toUpperCase(), redirect: 'manual' });
      if (security.length > 0) expect(status, `${verb} ${path}`).toBe(401);
      else expect(status, `${verb} ${path}`).not.toBe(401);
    }
  expect(await all.objects()).toEqual(before);
});

it('a page that is not on the list stays outside, with whatever it brings', async () => {
  const minted = await all.mint(mine.siteKey, { subject: 'ann' });
  const bring = ['call-api.v1', `call-api.token.${minted}`];
  await all.admin('PATCH', '/tenants/t1', { origins: ['https://app.example.com'] });
  // What a door has been told before it may go by for 30 s; a key of its own has not been seen yet.
  const key = await all.makeKey('t1', { role: 'api', site: 's1' });
  const seen = async (origin: string) =>
    knock('/call-api', [], { Authorization: `Bearer ${key}`, Origin: origin });
  expect(await seen('https://app.example.com')).toBe(101);
  expect(await seen('https://evil.example')).toBe(403);
  expect(await knock('/call-api', bring, { Origin: 'null' })).toBe(403);
  const read = async (Origin: string) => {
    const { status, headers } = await all.get('/v1/calls', key, { headers: { Origin } });
    return [status, headers.get('Access-Control-Allow-Origin')];
  };
  expect(await read('https://app.example.com')).toEqual([200, 'https://app.example.com']);
  expect(await read('https://evil.example')).toEqual([403, null]);
});

it('revoking a key closes at once what came in by it and by its tokens, and only that', async () => {
  const key = await all.makeKey('t1', { role: 'api' });
  const minted = await all.mint(key, { site: 's1', subject: 'ann' });
  const kept = await talking(await all.mint(mine.siteKey, { subject: 'ann' }), '?session=kept');
  const gone = await Promise.all([
    talking(key, '?site=s1'),
    talking(minted, '?session=gone'),
    talking(mine.siteKey, '?session=other'),
  ]);
  const [byKey, byToken, bystander] = gone;
  // One that came in by another key, and was given a token of this one since.
  const renewed = await kept.ask('Authorize', { token: await all.mint(key, { site: 's1', subject: 'ann' }) });
  expect(renewed.error).toBeUndefined();

  await all.admin('DELETE', `/tenants/t1/keys/${idOf(key)}`);
  for (const client of [byKey, byToken, kept])
    expect(await client.closed).toEqual({ code: 4401, reason: 'the key was revoked' });
  // Whatever the door still remembers of it.
  for (const credential of [key, minted])
    expect(await knock('/call-api?site=s1', [], { Authorization: `Bearer ${credential}` })).toBe(401);
  expect((await bystander.toEnd('Echo', {})).length).toBe(2);
});

it('revoking an adapter’s key cuts the adapter off, and it stays outside', async () => {
  const headers = { Authorization: `Bearer ${theirs.adapterKey}` };
  const socket = new Ws(`ws://127.0.0.1:${all.port}/adapter`, { headers });
  await once(socket, 'open');
  socket.send(
    JSON.stringify({
      ...{ type: 'hello', version: 1, adapter: 'a', stream: 'a', base: 1 },
      opensips: { version: '', next_hop: 'sip:127.0.0.1', reachable: true },
    }),
  );
  await until(async () => (await all.health(theirs)).link.connected);
  const closed = once(socket, 'close');
  await all.admin('DELETE', `/tenants/t2/keys/${idOf(theirs.adapterKey)}`);
  expect((await closed)[0]).toBe(4401);
  expect((await all.health(theirs)).link.connected).toBe(false);
  expect(await knock('/adapter', [], headers)).toBe(401);
});

it('a socket ends with its token', async () => {
  const exp = Math.floor(Date.now() / 1_000) + 2;
  const brief = await token({ tenant: 't1', site: 's1', sub: 'ann', key: idOf(mine.siteKey), exp });
  const client = await talking(brief);
  expect((await client.closed).code).toBe(4401);
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000);
  expect(await knock('/call-api', [], { Authorization: `Bearer ${brief}` })).toBe(401);
});

it('a tenant that is deleted takes its sockets, its keys and its sites with it', async () => {
  const client = await talking(theirs.siteKey);
  await all.admin('DELETE', '/tenants/t2');
  expect((await client.closed).code).toBe(4401);
  const key = await knock('/call-api?site=s1', [], { Authorization: `Bearer ${theirs.tenantKey}` });
  expect(key).toBe(401);
  const gone = await all.get('/v1/admin/tenants/t2', ADMIN_SECRET);
  expect(gone.status).toBe(404);
});
