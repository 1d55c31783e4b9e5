/** Authentication of a deployment: valid credentials are accepted, and forged ones rejected without using any object. */
import { env } from 'cloudflare:workers';
import * as fc from 'fast-check';
import { UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { KeyRole } from '../../shared/policy/policy.ts';
import { createApp } from '../app.ts';
import type { AccessDecision } from '../tenant/access.ts';
import { envWithoutObjects } from '../testing/env-without-objects.ts';
import { ACCESS_GRANT, POLICY, type ScriptedTenants, scriptedTenants } from '../testing/tenants.ts';
import { formatApiKey } from './api-keys.ts';
import { GrantCache } from './grant-cache.ts';
import { hashSecret } from './key-text.ts';
import type { Connection } from './principal.ts';
import { TenantAuthenticator } from './tenant-authenticator.ts';
import { type Claims, issueToken } from './tokens.ts';

const SECRET = 'the-secret-of-a-key-of-the-tests-';
const WS = { Upgrade: 'websocket' };

/** Returns the Worker as deployed, with an empty cache. */
function createWorker(clock?: () => number) {
  const authenticator = new TenantAuthenticator(new GrantCache(), clock);
  return createApp(authenticator, authenticator);
}

function createKey(
  role: KeyRole,
  { tenant = 'acme', id = 'k1', secret = SECRET } = {},
  secrets: Pick<Env, 'KEY_SECRETS'> = env,
) {
  return formatApiKey({ role, tenant, id, secret }, secrets);
}

function createToken(
  changes: Partial<Claims> = {},
  secrets: Pick<Env, 'KEY_SECRETS'> = env,
  now = Date.now(),
) {
  const claims = {
    tenant: 'acme',
    site: 'north',
    subject: 'sub:alice',
    scopes: ['CallStart'],
    key: 'k1',
  } as const;
  return issueToken({ ...claims, expires: now + 60_000, ...changes }, secrets, now);
}

interface ForwardedRequest {
  readonly siteName: string;
  readonly options: unknown;
  readonly request: Request;
  readonly principal: Connection;
}

/** Returns tenants that decide with the given function, and switchboards that record what is forwarded to them. */
function mockPlatform(
  decide: (request: ScriptedTenants['accessRequests'][number]) => AccessDecision,
  status = 101,
) {
  const tenants = scriptedTenants(decide);
  const forwarded: ForwardedRequest[] = [];
  const namespace = {
    idFromName: (name: string) => name,
    get: (siteName: string, options: unknown) => ({
      async fetch(url: string, init: RequestInit) {
        const request = new Request(url, init);
        const principal = JSON.parse(request.headers.get('x-call-api-connection') ?? '') as Connection;
        forwarded.push({ siteName, options, request, principal });
        if (status !== 101) return Response.json({}, { status, headers: { 'Retry-After': '7' } });
        return new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });
      },
      health: async () => ({ link: { connected: false }, running: 0 }),
      usage: async () => ({ stored_bytes: 0 }),
      isRevoked: async () => false,
    }),
  };
  const SWITCHBOARD = namespace as unknown as Env['SWITCHBOARD'];
  return { ...tenants, env: { ...tenants.env, SWITCHBOARD }, forwarded };
}

const send = (path: string, init: RequestInit, testEnv: Env, worker = createWorker()) =>
  worker.fetch(new Request(`https://calls.example.com${path}`, init), testEnv);

const requestToken = (credential: string, tokenRequest: unknown, testEnv: Env, headers = {}) =>
  send(
    '/v1/tokens',
    {
      method: 'POST',
      headers: { Authorization: `Bearer ${credential}`, ...headers },
      body: typeof tokenRequest === 'string' ? tokenRequest : JSON.stringify(tokenRequest),
    },
    testEnv,
  );

let logs: string[] = [];
beforeEach(() => {
  logs = [];
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, level).mockImplementation((...args) => void logs.push(args.map(String).join(' ')));
});
afterEach(() => vi.restoreAllMocks());

it.each([
  ['Authorization', (text: string) => ['/call-api', { Authorization: `Bearer ${text}` }] as const, null],
  [
    'the subprotocol',
    (text: string) =>
      ['/call-api', { 'Sec-WebSocket-Protocol': `call-api.v1, call-api.token.${text}` }] as const,
    'call-api.v1',
  ],
  ['access_token', (text: string) => [`/call-api?access_token=${text}`, {}] as const, null],
])('accepts a key and a token in %s, and does not forward them', async (_, requestWith, protocol) => {
  for (const credential of [await createKey('api'), await createToken()]) {
    const { env: testEnv, forwarded } = mockPlatform(() => ACCESS_GRANT);
    const [path, headers] = requestWith(credential);
    const response = await send(path, { headers: { ...WS, ...headers } }, testEnv);
    expect(response.status).toBe(101);
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe(protocol);
    expect([...response.headers].flat().join()).not.toContain(credential);
    const [{ request, siteName } = { request: undefined, siteName: undefined }] = forwarded;
    expect(siteName).toBe('acme/north');
    expect(`${request?.url} ${[...(request?.headers ?? [])].flat().join()}`).not.toContain(credential);
  }
  expect(logs).toEqual([]);
});

it('forwards the principal of a key', async () => {
  const {
    env: testEnv,
    forwarded,
    accessRequests,
  } = mockPlatform(() => ({ ...ACCESS_GRANT, scopes: ['read'], locationHint: 'weur' }));
  const path = '/call-api?session=s1&since=7';
  await send(path, { headers: { ...WS, Authorization: `Bearer ${await createKey('api')}` } }, testEnv);
  expect(forwarded[0]?.principal).toEqual({
    ...{
      role: 'client',
      subject: 'key:k1',
      key: 'k1',
      scopes: ['read'],
      session: 's1',
      since: 7,
      policy: POLICY,
      tenant: 'acme',
    },
  });
  expect(forwarded[0]?.options).toEqual({ locationHint: 'weur' });
  expect(accessRequests).toEqual([{ tenant: 'acme', key: 'k1', secretHash: await hashSecret(SECRET) }]);
});

it('forwards the principal of a token, with no more scopes than its key has now', async () => {
  const {
    env: testEnv,
    forwarded,
    accessRequests,
  } = mockPlatform(() => ({ ...ACCESS_GRANT, site: null, scopes: ['read', 'CallEnd'] }));
  const expires = Math.floor(Date.now() / 1_000 + 60) * 1_000;
  const caller = 'sip:alice@example.com';
  const token = await createToken({ scopes: ['CallStart', 'CallEnd'], caller, expires });
  await send('/call-api?session=s1', { headers: { ...WS, Authorization: `Bearer ${token}` } }, testEnv);
  expect(forwarded[0]?.principal).toEqual({
    ...{
      role: 'client',
      subject: 'sub:alice',
      key: 'k1',
      scopes: ['CallEnd'],
      session: 's1',
      policy: POLICY,
      tenant: 'acme',
    },
    ...{ caller, expires },
  });
  expect(accessRequests).toEqual([{ tenant: 'acme', key: 'k1', site: 'north' }]);
});

it('forwards the principal of an adapter', async () => {
  const { env: testEnv, forwarded } = mockPlatform(() => ({ ...ACCESS_GRANT, role: 'adapter', scopes: [] }));
  const response = await send(
    '/adapter',
    { headers: { ...WS, Authorization: `Bearer ${await createKey('adapter')}` } },
    testEnv,
  );
  expect(response.status).toBe(101);
  expect(forwarded).toMatchObject([
    { siteName: 'acme/north', principal: { role: 'adapter', key: 'k1', policy: POLICY } },
  ]);
});

it('forwards rules in any script', async () => {
  const policy = { ...POLICY, rules: [{ allow: ['名前@例え.jp', '*@\u007f'], deny: [] }] };
  const { env: testEnv, forwarded } = mockPlatform(() => ({ ...ACCESS_GRANT, policy }));
  await send('/call-api', { headers: { ...WS, Authorization: `Bearer ${await createKey('api')}` } }, testEnv);
  expect(forwarded[0]?.principal.policy).toEqual(policy);
  expect(forwarded[0]?.request.headers.get('x-call-api-connection')).toMatch(/^[\x20-\x7e]+$/);
});

it('requires a site for a key that is for several', async () => {
  const platform = mockPlatform(({ site }) =>
    site === undefined || site === 'south' ? { ...ACCESS_GRANT, site: null } : { ok: false },
  );
  const headers = { ...WS, Authorization: `Bearer ${await createKey('api')}` };
  const withoutSite = await send('/call-api', { headers }, platform.env);
  expect(withoutSite.status).toBe(400);
  expect(await withoutSite.json()).toMatchObject({ detail: expect.stringContaining('?site=') });
  expect((await send('/healthz', { headers }, platform.env)).status).toBe(400);
  expect((await send('/call-api?site=south', { headers }, platform.env)).status).toBe(101);
  for (const site of ['west', '', 'south%2F', '..', 'a%00'])
    expect((await send(`/call-api?site=${site}`, { headers }, platform.env)).status).toBe(401);
  expect(platform.forwarded.map(({ siteName }) => siteName)).toEqual(['acme/south']);
});

it.each([
  ['no page', {}, 101],
  ['an allowed page', { Origin: 'https://app.example.com' }, 101],
  ['another page', { Origin: 'https://evil.example' }, 403],
  ['a page of the same host on another port', { Origin: 'https://app.example.com:8443' }, 403],
  ['a page of the same host without TLS', { Origin: 'http://app.example.com' }, 403],
  [
    'a page of a host with the allowed one as its prefix',
    { Origin: 'https://app.example.com.evil.example' },
    403,
  ],
  ['a page with an opaque origin', { Origin: 'null' }, 403],
])('accepts the origins that the tenant allows: %s', async (_, origin, status) => {
  const platform = mockPlatform(() => ({ ...ACCESS_GRANT, origins: ['https://app.example.com'] }));
  for (const credential of [await createKey('api'), await createToken()]) {
    const headers = { ...WS, ...origin, Authorization: `Bearer ${credential}` };
    expect((await send('/call-api', { headers }, platform.env)).status).toBe(status);
  }
  const issued = await requestToken(await createKey('api'), { subject: 'alice' }, platform.env, origin);
  expect(issued.status).toBe(status === 101 ? 200 : status);
});

const HOST = 'calls.example.com';
const OVER_TLS = { 'X-Forwarded-Proto': 'https' };

it.each([
  ['over TLS', `https://${HOST}`, {}, `https://${HOST}`, 101],
  ['without TLS', `http://${HOST}:5059`, {}, `http://${HOST}:5059`, 101],
  ['behind a proxy with TLS', `http://${HOST}`, OVER_TLS, `https://${HOST}`, 101],
  ['behind that on another port', `http://${HOST}:8443`, OVER_TLS, `https://${HOST}:8443`, 101],
  ['behind two proxies', `http://${HOST}`, { 'X-Forwarded-Proto': 'HTTPS, http' }, `https://${HOST}`, 101],
  ['with TLS, which a proxy does not end', `https://${HOST}`, OVER_TLS, `https://${HOST}`, 101],
  ['another host behind a proxy', `http://${HOST}`, OVER_TLS, 'https://evil.example', 403],
  ['a host with this one as prefix', `http://${HOST}`, OVER_TLS, `https://${HOST}.evil.example`, 403],
  ['a host with this one as suffix', `http://${HOST}`, OVER_TLS, `https://evil-${HOST}`, 403],
  ['another port behind a proxy', `http://${HOST}`, OVER_TLS, `https://${HOST}:8443`, 403],
  ['no TLS behind a proxy with TLS', `http://${HOST}`, OVER_TLS, `http://${HOST}`, 403],
  ['TLS that no proxy tells of', `http://${HOST}`, {}, `https://${HOST}`, 403],
  ['no TLS on a Worker with TLS', `https://${HOST}`, {}, `http://${HOST}`, 403],
  ['that, as a proxy might say', `https://${HOST}`, { 'X-Forwarded-Proto': 'http' }, `http://${HOST}`, 403],
  [
    'the last of two proxies',
    `http://${HOST}`,
    { 'X-Forwarded-Proto': 'http, https' },
    `https://${HOST}`,
    403,
  ],
  ['another scheme', `http://${HOST}`, { 'X-Forwarded-Proto': 'wss' }, `wss://${HOST}`, 403],
  [
    'a forged host',
    `http://${HOST}`,
    { ...OVER_TLS, 'X-Forwarded-Host': 'evil.example' },
    'https://evil.example',
    403,
  ],
  ['an opaque origin', `http://${HOST}`, OVER_TLS, 'null', 403],
])('accepts pages of the own origin, and of no other: %s', async (_, edge, forwarded, origin, status) => {
  const platform = mockPlatform(() => ACCESS_GRANT);
  const headers = { ...forwarded, Origin: origin, Authorization: `Bearer ${await createToken()}` };
  const request = (path: string, more = {}) =>
    createWorker().fetch(new Request(`${edge}${path}`, { headers: { ...headers, ...more } }), platform.env);
  expect((await request('/call-api', WS)).status).toBe(status);
  expect((await request('/v1/me')).status).toBe(status === 101 ? 200 : status);
});

it('accepts any page if the tenant allows all origins', async () => {
  const platform = mockPlatform(() => ({ ...ACCESS_GRANT, origins: ['*'] }));
  const headers = {
    ...WS,
    Origin: 'https://anywhere.example',
    Authorization: `Bearer ${await createToken()}`,
  };
  expect((await send('/call-api', { headers }, platform.env)).status).toBe(101);
});

const otherSecrets = { KEY_SECRETS: 'test:another-deployment-another-deployment' };
const unknownKid = { KEY_SECRETS: 'other:key-secret-of-the-tests-0123456789' };
const key = await createKey('api');

/** Credentials that can be rejected without asking a tenant. */
const FORGED: readonly (readonly [string, string | undefined])[] = [
  ['nothing', undefined],
  ['garbage', 'garbage'],
  ['a key with another MAC', key.slice(0, -4) + (key.endsWith('AAAA') ? 'BBBB' : 'AAAA')],
  ['a key without its MAC', key.slice(0, key.lastIndexOf('.'))],
  ['a key of another deployment', await createKey('api', {}, otherSecrets)],
  ['a key with an unknown kid', await createKey('api', {}, unknownKid)],
  ['an expired token', await createToken({ expires: Date.now() - 1_000 })],
  ['a token of another deployment', await createToken({}, otherSecrets)],
  ['a token with an unknown kid', await createToken({}, unknownKid)],
  ['a token with alg none', new UnsecuredJWT({ tenant: 'acme', site: 'north', sub: 'alice' }).encode()],
  ['the secret of the administrator', env.ADMIN_SECRET],
];

const AUTHENTICATED_ROUTES: readonly (readonly [string, RequestInit])[] = [
  ['/call-api', { headers: WS }],
  ['/call-api', {}],
  ['/adapter', { headers: WS }],
  ['/adapter', {}],
  ['/v1/tokens', { method: 'POST', body: '{"subject":"alice"}' }],
  ['/v1/me', {}],
];

it.each(FORGED)('rejects %s without using any object or logging anything', async (_, credential) => {
  const bodies = new Set<string>();
  for (const [path, init] of AUTHENTICATED_ROUTES) {
    const headers = new Headers(init.headers);
    if (credential !== undefined) headers.set('Authorization', `Bearer ${credential}`);
    const query = credential === undefined ? '' : `?access_token=${credential}`;
    for (const response of [
      await send(path, { ...init, headers }, envWithoutObjects()),
      await send(`${path}${query}`, init, envWithoutObjects()),
    ]) {
      expect(response.status).toBe(401);
      bodies.add(await response.text());
    }
  }
  expect([...bodies]).toEqual([
    '{"status":401,"detail":"Missing, invalid or expired API key or token. Send one as `Authorization: Bearer …`."}',
  ]);
  expect(logs).toEqual([]);
});

it.each([
  ['an adapter’s key for a client’s socket', '/call-api', await createKey('adapter')],
  ['a client’s key for an adapter’s socket', '/adapter', key],
  ['a token for an adapter’s socket', '/adapter', await createToken()],
  ['a token where tokens are issued', '/v1/tokens', await createToken()],
  ['an adapter’s key where tokens are issued', '/v1/tokens', await createKey('adapter')],
])('rejects %s without asking its tenant', async (_, path, credential) => {
  const method = path === '/v1/tokens' ? 'POST' : 'GET';
  const headers = { ...WS, Authorization: `Bearer ${credential}` };
  expect((await send(path, { method, headers }, envWithoutObjects())).status).toBe(401);
});

it('rejects what the tenant denies exactly like a forged credential', async () => {
  const platform = mockPlatform(() => ({ ok: false }));
  const rejection = await (await send('/call-api', { headers: WS }, envWithoutObjects())).text();
  for (const credential of [key, await createToken()]) {
    const response = await send(
      '/call-api',
      { headers: { ...WS, Authorization: `Bearer ${credential}` } },
      platform.env,
    );
    expect(response.status).toBe(401);
    expect(await response.text()).toBe(rejection);
  }
  expect((await requestToken(key, { subject: 'alice' }, platform.env)).status).toBe(401);
  expect((await requestToken(key, 'not even JSON', platform.env)).status).toBe(401);
  expect(platform.forwarded).toEqual([]);
});

it('rejects requests without a credential on every route except /healthz and the console, without using any object', async () => {
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    for (const path of [
      ...['/call-api', '/adapter', '/v1', '/v1/', '/v1/me', '/v1/tokens', '/v1/admin', '/v1/admin/tenants'],
      ...[
        '/v1/admin/tenants/acme',
        '/v1/admin/tenants/acme/keys',
        '/v1//admin/tenants',
        '//call-api',
        '/assets/nothing.js',
        '/nowhere',
      ],
    ]) {
      const response = await send(path, { method, headers: WS }, envWithoutObjects());
      expect([401, 404], `${method} ${path}`).toContain(response.status);
    }
  }
  expect((await send('/', {}, envWithoutObjects())).status).toBe(200);
  const health = await send('/healthz', {}, env);
  expect(health.status).toBe(200);
  expect(Object.keys((await health.json()) as object)).toEqual(['status', 'version']);
});

it('rejects everything without KEY_SECRETS and ADMIN_SECRET', async () => {
  const { KEY_SECRETS: _, ADMIN_SECRET: __, ...envWithoutSecrets } = envWithoutObjects();
  for (const [path, init] of AUTHENTICATED_ROUTES) {
    for (const credential of [key, await createToken(), 'undefined', '']) {
      const headers = {
        ...Object.fromEntries(new Headers(init.headers)),
        Authorization: `Bearer ${credential}`,
      };
      expect((await send(path, { ...init, headers }, envWithoutSecrets)).status).toBe(401);
    }
  }
});

it('rejects any forged credential without logging or using any object', async () => {
  const worker = createWorker();
  const parts = fc.constantFrom(
    ...key.split('.'),
    'eyJhbGciOiJub25lIn0',
    '',
    'adapter',
    '__proto__',
    'constructor',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(parts, { maxLength: 9 }).map((list) => list.join('.')),
  );
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom('/call-api', '/adapter'), async (credential, path) => {
      fc.pre(credential !== key);
      const query = `?access_token=${encodeURIComponent(credential)}`;
      const response = await send(`${path}${query}`, { headers: WS }, envWithoutObjects(), worker);
      expect(response.status).toBe(401);
    }),
    { numRuns: 2_000 },
  );
  expect(logs).toEqual([]);
});

it('shows the health of the site only with the scope read', async () => {
  const withRead = mockPlatform(() => ACCESS_GRANT);
  const headers = { Authorization: `Bearer ${key}` };
  expect(await (await send('/healthz', { headers }, withRead.env)).json()).toMatchObject({
    site: 'acme/north',
    running: 0,
  });
  const withoutRead = mockPlatform(() => ({ ...ACCESS_GRANT, scopes: ['CallStart'] }));
  expect(await (await send('/healthz', { headers }, withoutRead.env)).json()).not.toHaveProperty('running');
});

it('accepts a revoked key for at most 30 s', async () => {
  let now = Date.now();
  const startedAt = now;
  let isRevoked = false;
  const { env: testEnv } = mockPlatform(() => (isRevoked ? { ok: false } : ACCESS_GRANT));
  const worker = createWorker(() => now);
  const init = { headers: { ...WS, Authorization: `Bearer ${key}` } };
  expect((await send('/call-api', init, testEnv, worker)).status).toBe(101);
  isRevoked = true;
  now = startedAt + 29_999;
  expect((await send('/call-api', init, testEnv, worker)).status).toBe(101);
  now = startedAt + 30_000;
  expect((await send('/call-api', init, testEnv, worker)).status).toBe(401);
});

it('rejects an expired token although the grant of its key is cached', async () => {
  let now = Date.now();
  const { env: testEnv } = mockPlatform(() => ACCESS_GRANT);
  const worker = createWorker(() => now);
  const token = await createToken({ expires: now + 10_000 }, env, now);
  const init = { headers: { ...WS, Authorization: `Bearer ${token}` } };
  expect((await send('/call-api', init, testEnv, worker)).status).toBe(101);
  now += 10_000;
  expect((await send('/call-api', init, testEnv, worker)).status).toBe(401);
});

it('passes on the 429 of a full site with its Retry-After', async () => {
  const { env: testEnv } = mockPlatform(() => ACCESS_GRANT, 429);
  const response = await send('/call-api', { headers: { ...WS, Authorization: `Bearer ${key}` } }, testEnv);
  expect(response.status).toBe(429);
  expect(response.headers.get('Retry-After')).toBe('7');
  expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
});

it('issues a token as requested, and records it in the audit trail', async () => {
  const {
    env: testEnv,
    auditedActions,
    forwarded,
  } = mockPlatform(() => ({ ...ACCESS_GRANT, scopes: ['CallStart', 'read', 'tokens'] }));
  const caller = 'sip:alice@example.com';
  const before = Date.now();
  const tokenRequest = { site: 'north', subject: 'alice', scopes: ['CallStart'], caller, expires_in: 120 };
  const response = await requestToken(key, tokenRequest, testEnv, { 'CF-Connecting-IP': '192.0.2.7' });
  expect(response.status).toBe(200);
  const issued = (await response.json()) as { token: string; expires: string };
  expect(issued).toMatchObject({
    tenant: 'acme',
    site: 'north',
    subject: 'alice',
    scopes: ['CallStart'],
    caller,
  });
  const lifetimeMs = Date.parse(issued.expires) - before;
  expect(lifetimeMs).toBeGreaterThan(118_000);
  expect(lifetimeMs).toBeLessThan(130_000);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  const action = { tenant: 'acme', actor: 'key:k1', role: null, address: '192.0.2.7', action: 'token.mint' };
  expect(auditedActions).toEqual([{ ...action, target: 'north/sub:alice', outcome: 'ok' }]);
  await send('/call-api', { headers: { ...WS, Authorization: `Bearer ${issued.token}` } }, testEnv);
  expect(forwarded[0]?.principal).toMatchObject({
    subject: 'sub:alice',
    key: 'k1',
    caller,
    expires: Date.parse(issued.expires),
  });
});

it('issues a token with all scopes of its key except tokens, for an hour, by default', async () => {
  const { env: testEnv } = mockPlatform(() => ({ ...ACCESS_GRANT, scopes: ['CallStart', 'read', 'tokens'] }));
  const issued = (await (await requestToken(key, { subject: 'alice' }, testEnv)).json()) as {
    scopes: string[];
    expires: string;
  };
  expect(issued.scopes).toEqual(['CallStart', 'read']);
  expect((Date.parse(issued.expires) - Date.now()) / 60_000).toBeCloseTo(60, 0);
});

it.each<[string, object | string, number, string]>([
  ['no JSON', '{', 400, 'The body is not JSON.'],
  ['no subject', {}, 400, 'subject'],
  ['an empty subject', { subject: '' }, 400, 'subject'],
  ['a subject of two lines', { subject: 'a\nb' }, 400, 'subject'],
  ['a long subject', { subject: 'a'.repeat(129) }, 400, 'subject'],
  ['too short a time', { subject: 'a', expires_in: 59 }, 400, 'expires_in'],
  ['more than a day', { subject: 'a', expires_in: 86_401 }, 400, 'expires_in'],
  ['an unknown scope', { subject: 'a', scopes: ['everything'] }, 400, 'scopes'],
  ['the scope tokens', { subject: 'a', scopes: ['tokens'] }, 400, 'scopes'],
  ['no scopes', { subject: 'a', scopes: [] }, 400, 'scopes'],
  ['a scope that the key lacks', { subject: 'a', scopes: ['CallEnd'] }, 403, 'lacks CallEnd'],
  ['a caller that is no SIP URI', { subject: 'a', caller: 'alice' }, 400, 'caller'],
  ['an unknown field', { subject: 'a', tenant: 'globex' }, 400, 'tenant'],
  ['a malformed site', { subject: 'a', site: '../x' }, 400, 'site'],
  ['a site that the key is not for', { subject: 'a', site: 'south' }, 401, 'API key or token'],
  ['a body that is too long', { subject: 'a'.repeat(10_000) }, 413, '8192'],
])('issues no token for %s, and says why', async (_, tokenRequest, status, reason) => {
  const { env: testEnv, auditedActions } = mockPlatform(({ site = 'north' }) =>
    site === 'north' ? { ...ACCESS_GRANT, scopes: ['CallStart', 'tokens'] } : { ok: false },
  );
  const response = await requestToken(key, tokenRequest, testEnv);
  expect(response.status).toBe(status);
  expect(((await response.json()) as { detail: string }).detail).toContain(reason);
  expect(auditedActions.filter(({ outcome }) => outcome === 'ok')).toEqual([]);
});

it('issues no token for a key without the scope tokens, and records the attempt', async () => {
  const { env: testEnv, auditedActions } = mockPlatform(() => ({ ...ACCESS_GRANT, scopes: ['CallStart'] }));
  const response = await requestToken(key, { subject: 'alice' }, testEnv);
  expect(response.status).toBe(403);
  expect(auditedActions).toMatchObject([{ action: 'token.mint', outcome: 'not allowed' }]);
});

it('issues no token without a site for a key that is for several', async () => {
  const { env: testEnv } = mockPlatform(() => ({ ...ACCESS_GRANT, site: null }));
  expect((await requestToken(key, { subject: 'alice' }, testEnv)).status).toBe(400);
});

it('adds security headers to every response', async () => {
  for (const [path, init] of [
    ...AUTHENTICATED_ROUTES,
    ['/nowhere', {}],
    ['/healthz', {}],
    ['/v1/admin/tenants', {}],
  ] as const) {
    const { headers } = await send(path, init, envWithoutObjects());
    expect(Object.fromEntries(headers), path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'strict-transport-security': expect.stringContaining('max-age='),
    });
  }
  const overHttp = await createWorker().fetch(new Request('http://127.0.0.1/healthz'), envWithoutObjects());
  expect(overHttp.headers.has('Strict-Transport-Security')).toBe(false);
});

it('logs internal errors without credentials, and does not reveal them', async () => {
  const { env: failingEnv } = mockPlatform(({ secretHash }) => {
    throw new Error(`lost Bearer ${key} of ${secretHash}`);
  });
  for (const [path, headers] of [
    ['/call-api', { Authorization: `Bearer ${key}` }],
    ['/call-api', { 'Sec-WebSocket-Protocol': `call-api.v1, call-api.token.${key}` }],
    [`/call-api?access_token=${key}`, {}],
  ] as const) {
    const response = await send(path, { headers: { ...WS, ...headers } }, failingEnv);
    expect(response.status).toBe(500);
    const body = await response.text();
    expect(body).not.toMatch(/lost|at .*\.ts|stack/);
    expect(body).not.toContain(SECRET);
  }
  expect(logs).toHaveLength(3);
  for (const line of logs) {
    expect(line).toContain('GET /call-api failed: Error: lost');
    expect(line).not.toContain(SECRET);
    expect(line).not.toContain(key.split('.').at(-1));
  }
});

it.each(['retryable', 'overloaded'])(
  'responds with 503 to temporary errors of the platform: %s',
  async (flag) => {
    const { env: busyEnv } = mockPlatform(() => {
      throw Object.assign(new Error('the object is elsewhere just now'), { [flag]: true });
    });
    const response = await send('/call-api', { headers: { ...WS, Authorization: `Bearer ${key}` } }, busyEnv);
    expect(response.status).toBe(503);
    expect(response.headers.get('Retry-After')).toBe('1');
  },
);

it('trusts the role that the tenant has stored, not the one in the text of a key', async () => {
  const adapterRole = mockPlatform(() => ({ ...ACCESS_GRANT, role: 'adapter' }));
  for (const credential of [key, await createToken()]) {
    const headers = { ...WS, Authorization: `Bearer ${credential}` };
    expect((await send('/call-api', { headers }, adapterRole.env)).status).toBe(401);
  }
  const clientRole = mockPlatform(() => ACCESS_GRANT);
  const headers = { ...WS, Authorization: `Bearer ${await createKey('adapter')}` };
  expect((await send('/adapter', { headers }, clientRole.env)).status).toBe(401);
  expect([...adapterRole.forwarded, ...clientRole.forwarded]).toEqual([]);
});
