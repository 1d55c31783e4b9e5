/** Authentication in the deployed configuration: valid, invalid and revoked credentials on every route. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket as Ws } from 'ws';
import { type Route, routes } from '../shared/protocol/http/routes.ts';
import type { Client } from './harness/client.ts';
import { ADMIN_SECRET, keyId, MultiTenantStack, type TestSite } from './harness/multi-tenant-stack.ts';
import { waitUntil } from './harness/stack.ts';
import { appendMac, signToken, unsignedToken } from './tenants/forged-credentials.ts';

let stack: MultiTenantStack;
let site: TestSite;
/** The site of another tenant. */
let otherSite: TestSite;
beforeAll(async () => {
  stack = await MultiTenantStack.start({ tenants: 2, sites: 1, sitesWithoutAdapter: ['t1-s1', 't2-s1'] });
  site = stack.site('t1-s1');
  otherSite = stack.site('t2-s1');
}, 30_000);
afterAll(() => stack[Symbol.asyncDispose]());

const UNAUTHORIZED = {
  status: 401,
  detail: 'Missing, invalid or expired API key or token. Send one as `Authorization: Bearer …`.',
};

/** Returns the status of the response to a WebSocket upgrade: 101 if it succeeds. */
async function upgradeStatus(path: string, protocols: string[], headers = {}): Promise<number> {
  const socket = new Ws(`ws://127.0.0.1:${stack.port}${path}`, protocols, { headers });
  socket.on('error', () => {});
  const [response] = (await Promise.race([
    once(socket, 'upgrade'),
    once(socket, 'unexpected-response').then(([, refusal]) => [refusal as { statusCode: number }]),
  ])) as [{ statusCode: number }];
  socket.terminate();
  return response.statusCode;
}

/**
 * Returns a client that has sent a message. A client that never has receives the close frame immediately as well, but
 * workerd ends its TCP connection only 10 s later, and until then the client's WebSocket is not closed.
 */
async function activeClient(credential: string, query = ''): Promise<Client> {
  const client = await stack.connectClient(credential, query);
  await client.runToEnd('Echo', {});
  return client;
}

/** Each place where a credential can be sent, with a function that returns the status of the response. */
const CREDENTIAL_USES: readonly (readonly [string, (credential: string) => Promise<number>])[] = [
  [
    'a header at /call-api',
    (credential) => upgradeStatus('/call-api', [], { Authorization: `Bearer ${credential}` }),
  ],
  [
    'a subprotocol',
    (credential) => upgradeStatus('/call-api', ['call-api.v1', `call-api.token.${credential}`]),
  ],
  [
    'the query',
    (credential) => upgradeStatus(`/call-api?access_token=${encodeURIComponent(credential)}`, []),
  ],
  [
    'a header at /adapter',
    (credential) => upgradeStatus('/adapter', [], { Authorization: `Bearer ${credential}` }),
  ],
  [
    '/v1/tokens',
    async (credential) =>
      (await stack.fetch('/v1/tokens', credential, { method: 'POST', body: '{"subject":"eve"}' })).status,
  ],
  ['/v1/admin', async (credential) => (await stack.fetch('/v1/admin/tenants', credential)).status],
  ['/v1/calls', async (credential) => (await stack.fetch('/v1/calls', credential)).status],
];

/** Every route of the HTTP API, with a value for each path parameter. */
const ROUTES = (Object.values(routes) as Route[]).map(
  ({ method, path }) => [method, path.replace(/\{\w+\}/g, 'x')] as const,
);

it('accepts each kind of credential where it is meant for, and nowhere else', async () => {
  const minted = await stack.mintToken(site.siteKey, { subject: 'ann' });
  const created = await stack.fetch('/v1/admin/administrators', ADMIN_SECRET, {
    method: 'POST',
    body: '{"name":"alice","role":"all"}',
  });
  const { key: administrator } = (await created.json()) as { readonly key: string };
  const results: (string | number)[][] = [];
  for (const [kind, credential] of [
    ['an API key', site.siteKey],
    ['a token', minted],
    ['an adapter key', site.adapterKey],
    ['the admin secret', ADMIN_SECRET],
    ['the key of an administrator', administrator],
  ] as const) {
    const statuses = [];
    for (const [, send] of CREDENTIAL_USES) statuses.push(await send(credential));
    results.push([kind, ...statuses]);
  }
  expect(results).toEqual([
    ['an API key', 101, 101, 101, 401, 200, 401, 200],
    ['a token', 101, 101, 101, 401, 401, 401, 200],
    ['an adapter key', 401, 401, 401, 101, 401, 401, 401],
    ['the admin secret', 401, 401, 401, 401, 401, 200, 401],
    ['the key of an administrator', 401, 401, 401, 401, 401, 200, 401],
  ]);
});

describe('refuses invalid credentials on every route with the same response, and creates no object for them', () => {
  const validClaims = () => ({ tenant: 't1', site: 's1', sub: 'ann', key: keyId(site.siteKey) });
  const tenSecondsAgo = Math.floor(Date.now() / 1_000) - 10;
  const otherDeployment = { secret: 'another-deployment-another-deployment' };
  const rows: readonly (readonly [string, () => string | Promise<string>])[] = [
    ['an expired token', () => signToken({ ...validClaims(), iat: tenSecondsAgo - 60, exp: tenSecondsAgo })],
    [
      'a token with too long a lifetime',
      () => signToken({ ...validClaims(), exp: tenSecondsAgo + 2 * 86_400 }),
    ],
    ['a token signed with another secret', () => signToken(validClaims(), otherDeployment)],
    ['a token with an unknown kid', () => signToken(validClaims(), { kid: 'k9' })],
    ['a token signed with the secret of another kid', () => signToken(validClaims(), { kid: 'k1' })],
    ['a token signed with the key for API keys', () => signToken(validClaims(), { use: 'api-keys' })],
    ['a token with another algorithm', () => signToken(validClaims(), { alg: 'HS512' })],
    ['a token with another type', () => signToken(validClaims(), { typ: 'JWT' })],
    ['a token for another audience', () => signToken({ ...validClaims(), aud: 'elsewhere' })],
    ['an unsigned token', () => unsignedToken(validClaims())],
    [
      'a token with the key id of another tenant',
      () => signToken({ ...validClaims(), key: keyId(otherSite.siteKey) }),
    ],
    ['a token with the id of another tenant', () => signToken({ ...validClaims(), tenant: 't2' })],
    ['a token for an unknown site', () => signToken({ ...validClaims(), site: 's9' })],
    [
      'a token with the id of an adapter key',
      () => signToken({ ...validClaims(), key: keyId(site.adapterKey) }),
    ],
    ['a token without a subject', () => signToken({ ...validClaims(), sub: undefined })],
    ['a key with an invalid MAC', () => `${site.siteKey.slice(0, -6)}AAAAAA`],
    [
      'a key with the MAC of another secret',
      () => appendMac(site.siteKey.split('.').slice(0, -1).join('.'), otherDeployment),
    ],
    [
      'a key with the id of another tenant’s key',
      () => site.siteKey.replace(keyId(site.siteKey), keyId(otherSite.siteKey)),
    ],
    ['an API key changed to an adapter key', () => site.siteKey.replace('.api.', '.adapter.')],
    [
      // Only the deployment could create its MAC. It is refused all the same, because the tenant has no such key.
      'a key with a valid MAC and an unknown secret',
      () => appendMac(site.siteKey.split('.').slice(0, 5).concat('A'.repeat(43)).join('.')),
    ],
    ['an empty credential', () => ''],
    ['the text `undefined`', () => 'undefined'],
  ];

  it.each(rows)('%s', async (_, createCredential) => {
    const credential = await createCredential();
    const objectsBefore = await stack.objectDatabases();
    for (const [use, send] of CREDENTIAL_USES) expect(await send(credential), use).toBe(401);
    for (const [method, path] of ROUTES)
      expect((await stack.fetch(path, credential, { method })).status, `${method} ${path}`).toBe(401);
    const refused = await stack.fetch('/call-api', credential);
    expect(await refused.json()).toEqual(UNAUTHORIZED);
    expect(await stack.objectDatabases()).toEqual(objectsBefore);
  });
});

it('without a credential, serves only the pages, the documents and the status of /healthz', async () => {
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
  const objectsBefore = await stack.objectDatabases();
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    for (const path of paths) {
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { body: '{"id":"t9"}' } : {};
      const { status } = await stack.fetch(path, undefined, { method, ...body });
      expect([401, 404], `${method} ${path}`).toContain(status);
    }
  }
  for (const [method, path] of ROUTES)
    expect((await stack.fetch(path, undefined, { method })).status, `${method} ${path}`).toBe(401);
  for (const method of ['PUT', 'PATCH', 'OPTIONS'])
    expect((await stack.fetch('/v1/calls', undefined, { method })).status, method).toBe(405);
  const page = await stack.fetch('/');
  expect([page.status, page.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8']);
  for (const path of ['/docs', '/openapi.json', '/openrpc.json', '/asyncapi.json'])
    expect((await stack.fetch(path)).status, path).toBe(200);
  const health = await stack.fetch('/healthz');
  expect(Object.keys((await health.json()) as object)).toEqual(['status', 'version']);
  expect(await stack.objectDatabases()).toEqual(objectsBefore);
});

it('requires a credential on every route of the OpenAPI document, except those documented as public', async () => {
  const objectsBefore = await stack.objectDatabases();
  const { paths } = (await (await stack.fetch('/openapi.json')).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security: unknown[] }>>>>;
  };
  for (const [path, verbs] of Object.entries(paths))
    for (const [verb, { security }] of Object.entries(verbs)) {
      const filledPath = path.replace('{file}', 'none.js').replace(/\{\w+\}/g, 't1');
      const { status } = await stack.fetch(filledPath, undefined, {
        method: verb.toUpperCase(),
        redirect: 'manual',
      });
      if (security.length > 0) expect(status, `${verb} ${path}`).toBe(401);
      else expect(status, `${verb} ${path}`).not.toBe(401);
    }
  expect(await stack.objectDatabases()).toEqual(objectsBefore);
});

it('refuses pages of origins that are not on the list, even with a valid credential', async () => {
  const minted = await stack.mintToken(site.siteKey, { subject: 'ann' });
  const protocols = ['call-api.v1', `call-api.token.${minted}`];
  await stack.adminRequest('PATCH', '/tenants/t1', { origins: ['https://app.example.com'] });
  // The edge caches grants for 30 s. A new key is not cached yet, so the new list of origins applies to it.
  const key = await stack.createKey('t1', { role: 'api', site: 's1' });
  const connectFrom = async (origin: string) =>
    upgradeStatus('/call-api', [], { Authorization: `Bearer ${key}`, Origin: origin });
  expect(await connectFrom('https://app.example.com')).toBe(101);
  expect(await connectFrom('https://evil.example')).toBe(403);
  expect(await upgradeStatus('/call-api', protocols, { Origin: 'null' })).toBe(403);
  const readFrom = async (Origin: string) => {
    const { status, headers } = await stack.fetch('/v1/calls', key, { headers: { Origin } });
    return [status, headers.get('Access-Control-Allow-Origin')];
  };
  expect(await readFrom('https://app.example.com')).toEqual([200, 'https://app.example.com']);
  expect(await readFrom('https://evil.example')).toEqual([403, null]);
});

it('revoking a key immediately closes the sockets opened with it or its tokens, and no others', async () => {
  const key = await stack.createKey('t1', { role: 'api' });
  const minted = await stack.mintToken(key, { site: 's1', subject: 'ann' });
  const renewed = await activeClient(
    await stack.mintToken(site.siteKey, { subject: 'ann' }),
    '?session=kept',
  );
  const [byKey, byToken, unaffected] = await Promise.all([
    activeClient(key, '?site=s1'),
    activeClient(minted, '?session=gone'),
    activeClient(site.siteKey, '?session=other'),
  ]);
  // This client has connected with another key, and then switched to a token of the revoked key.
  const renewal = await renewed.request('Authorize', {
    token: await stack.mintToken(key, { site: 's1', subject: 'ann' }),
  });
  expect(renewal.error).toBeUndefined();

  await stack.adminRequest('DELETE', `/tenants/t1/keys/${keyId(key)}`);
  for (const client of [byKey, byToken, renewed])
    expect(await client.closed).toEqual({
      code: 4401,
      reason: 'The API key was revoked. Reconnect with another one.',
    });
  // Cached grants must not be used either.
  for (const credential of [key, minted])
    expect(await upgradeStatus('/call-api?site=s1', [], { Authorization: `Bearer ${credential}` })).toBe(401);
  expect((await unaffected.runToEnd('Echo', {})).length).toBe(2);
});

it('revoking an adapter key disconnects the adapter, which cannot reconnect', async () => {
  const headers = { Authorization: `Bearer ${otherSite.adapterKey}` };
  const socket = new Ws(`ws://127.0.0.1:${stack.port}/adapter`, { headers });
  await once(socket, 'open');
  socket.send(
    JSON.stringify({
      ...{ type: 'hello', version: 1, adapter: 'a', stream: 'a', base: 1 },
      opensips: { version: '', next_hop: 'sip:127.0.0.1', reachable: true },
    }),
  );
  await waitUntil(async () => (await stack.fetchHealth(otherSite)).link.connected);
  const closed = once(socket, 'close');
  await stack.adminRequest('DELETE', `/tenants/t2/keys/${keyId(otherSite.adapterKey)}`);
  expect((await closed)[0]).toBe(4401);
  expect((await stack.fetchHealth(otherSite)).link.connected).toBe(false);
  expect(await upgradeStatus('/adapter', [], headers)).toBe(401);
});

it('closes a socket when its token expires', async () => {
  const exp = Math.floor(Date.now() / 1_000) + 2;
  const shortLived = await signToken({ tenant: 't1', site: 's1', sub: 'ann', key: keyId(site.siteKey), exp });
  const client = await activeClient(shortLived);
  expect((await client.closed).code).toBe(4401);
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000);
  expect(await upgradeStatus('/call-api', [], { Authorization: `Bearer ${shortLived}` })).toBe(401);
});

it('deleting a tenant closes its sockets and invalidates its keys and sites', async () => {
  const client = await activeClient(otherSite.siteKey);
  await stack.adminRequest('DELETE', '/tenants/t2');
  expect((await client.closed).code).toBe(4401);
  const headers = { Authorization: `Bearer ${otherSite.tenantKey}` };
  expect(await upgradeStatus('/call-api?site=s1', [], headers)).toBe(401);
  expect((await stack.fetch('/v1/admin/tenants/t2', ADMIN_SECRET)).status).toBe(404);
});
