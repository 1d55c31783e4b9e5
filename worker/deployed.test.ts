/** The doors of a deployment: who comes in with what, and that all others stay outside, before any object is touched. */
import { env } from 'cloudflare:workers';
import * as fc from 'fast-check';
import { UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Admitted } from './admitted.ts';
import { app } from './app.ts';
import { TenantsDoor } from './door/admission.ts';
import { Admissions } from './door/admissions.ts';
import { formatKey, hashSecret, type Role } from './door/api-keys.ts';
import { type Claims, mintToken } from './door/tokens.ts';
import type { Env } from './env.ts';
import type { Admission } from './tenant/admission.ts';
import { withoutObjects } from './testing/no-objects.ts';
import { GRANTED, POLICY, type ScriptedTenants, tenantsThat } from './testing/tenants.ts';

const SECRET = 'the-secret-of-a-key-of-the-tests-';
const WS = { Upgrade: 'websocket' };

/** The Worker as deployed, with nothing kept from before. */
function deployed(now?: () => number) {
  const tenants = new TenantsDoor(new Admissions(), now);
  return app(tenants, tenants);
}

function keyOf(
  role: Role,
  { tenant = 'acme', id = 'k1', secret = SECRET } = {},
  by: Pick<Env, 'KEY_SECRETS'> = env,
) {
  return formatKey({ role, tenant, id, secret }, by);
}

function tokenOf(changes: Partial<Claims> = {}, by: Pick<Env, 'KEY_SECRETS'> = env, now = Date.now()) {
  const claims = {
    tenant: 'acme',
    site: 'north',
    subject: 'sub:alice',
    scopes: ['CallStart'],
    key: 'k1',
  } as const;
  return mintToken({ ...claims, expires: now + 60_000, ...changes }, by, now);
}

interface Handed {
  readonly place: string;
  readonly near: unknown;
  readonly request: Request;
  readonly admitted: Admitted;
}

/** Tenants that answer so, and switchboards that write down what they are handed. */
function world(answer: (petition: ScriptedTenants['asked'][number]) => Admission, status = 101) {
  const tenants = tenantsThat(answer);
  const handed: Handed[] = [];
  const namespace = {
    idFromName: (name: string) => name,
    get: (place: string, near: unknown) => ({
      async fetch(url: string, init: RequestInit) {
        const request = new Request(url, init);
        const admitted = JSON.parse(request.headers.get('x-call-api-caller') ?? '') as Admitted;
        handed.push({ place, near, request, admitted });
        if (status !== 101) return Response.json({}, { status, headers: { 'Retry-After': '7' } });
        return new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });
      },
      health: async () => ({ link: { connected: false }, running: 0 }),
    }),
  };
  const SWITCHBOARD = namespace as unknown as Env['SWITCHBOARD'];
  return { ...tenants, env: { ...tenants.env, SWITCHBOARD }, handed };
}

const ask = (path: string, init: RequestInit, within: Env, worker = deployed()) =>
  worker.fetch(new Request(`https://calls.example.com${path}`, init), within);

const mintWith = (credential: string, wish: unknown, within: Env, headers = {}) =>
  ask(
    '/v1/tokens',
    {
      method: 'POST',
      headers: { Authorization: `Bearer ${credential}`, ...headers },
      body: typeof wish === 'string' ? wish : JSON.stringify(wish),
    },
    within,
  );

let said: string[] = [];
beforeEach(() => {
  said = [];
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, level).mockImplementation((...what) => void said.push(what.map(String).join(' ')));
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
])('a key and a token come in by %s, and go no further', async (_, by, protocol) => {
  for (const credential of [await keyOf('api'), await tokenOf()]) {
    const { env: within, handed } = world(() => GRANTED);
    const [path, headers] = by(credential);
    const response = await ask(path, { headers: { ...WS, ...headers } }, within);
    expect(response.status).toBe(101);
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe(protocol);
    expect([...response.headers].flat().join()).not.toContain(credential);
    const [{ request, place } = { request: undefined, place: undefined }] = handed;
    expect(place).toBe('acme/north');
    expect(`${request?.url} ${[...(request?.headers ?? [])].flat().join()}`).not.toContain(credential);
  }
  expect(said).toEqual([]);
});

it('hands on who it is: a key', async () => {
  const {
    env: within,
    handed,
    asked,
  } = world(() => ({ ...GRANTED, scopes: ['read'], locationHint: 'weur' }));
  const path = '/call-api?session=s1&since=7';
  await ask(path, { headers: { ...WS, Authorization: `Bearer ${await keyOf('api')}` } }, within);
  expect(handed[0]?.admitted).toEqual({
    ...{
      role: 'client',
      subject: 'key:k1',
      key: 'k1',
      scopes: ['read'],
      session: 's1',
      since: 7,
      policy: POLICY,
    },
  });
  expect(handed[0]?.near).toEqual({ locationHint: 'weur' });
  expect(asked).toEqual([{ tenant: 'acme', key: 'k1', secretHash: await hashSecret(SECRET) }]);
});

it('hands on who it is: a token, with no more scopes than its key has now', async () => {
  const {
    env: within,
    handed,
    asked,
  } = world(() => ({ ...GRANTED, site: null, scopes: ['read', 'CallEnd'] }));
  const expires = Math.floor(Date.now() / 1_000 + 60) * 1_000;
  const caller = 'sip:alice@example.com';
  const token = await tokenOf({ scopes: ['CallStart', 'CallEnd'], caller, expires });
  await ask('/call-api?session=s1', { headers: { ...WS, Authorization: `Bearer ${token}` } }, within);
  expect(handed[0]?.admitted).toEqual({
    ...{
      role: 'client',
      subject: 'sub:alice',
      key: 'k1',
      scopes: ['CallEnd'],
      session: 's1',
      policy: POLICY,
    },
    ...{ caller, expires },
  });
  expect(asked).toEqual([{ tenant: 'acme', key: 'k1', site: 'north' }]);
});

it('hands on who it is: an adapter', async () => {
  const { env: within, handed } = world(() => ({ ...GRANTED, role: 'adapter', scopes: [] }));
  const response = await ask(
    '/adapter',
    { headers: { ...WS, Authorization: `Bearer ${await keyOf('adapter')}` } },
    within,
  );
  expect(response.status).toBe(101);
  expect(handed).toMatchObject([
    { place: 'acme/north', admitted: { role: 'adapter', key: 'k1', policy: POLICY } },
  ]);
});

it('hands on rules in any script', async () => {
  const policy = { ...POLICY, rules: [{ allow: ['名前@例え.jp', '*@\u007f'], deny: [] }] };
  const { env: within, handed } = world(() => ({ ...GRANTED, policy }));
  await ask('/call-api', { headers: { ...WS, Authorization: `Bearer ${await keyOf('api')}` } }, within);
  expect(handed[0]?.admitted.policy).toEqual(policy);
  expect(handed[0]?.request.headers.get('x-call-api-caller')).toMatch(/^[\x20-\x7e]+$/);
});

it('a key for several sites says which', async () => {
  const anywhere = world(({ site }) =>
    site === undefined || site === 'south' ? { ...GRANTED, site: null } : { ok: false },
  );
  const headers = { ...WS, Authorization: `Bearer ${await keyOf('api')}` };
  const none = await ask('/call-api', { headers }, anywhere.env);
  expect(none.status).toBe(400);
  expect(await none.json()).toMatchObject({ detail: expect.stringContaining('?site=') });
  expect((await ask('/healthz', { headers }, anywhere.env)).status).toBe(400);
  expect((await ask('/call-api?site=south', { headers }, anywhere.env)).status).toBe(101);
  for (const site of ['west', '', 'south%2F', '..', 'a%00'])
    expect((await ask(`/call-api?site=${site}`, { headers }, anywhere.env)).status).toBe(401);
  expect(anywhere.handed.map(({ place }) => place)).toEqual(['acme/south']);
});

it.each([
  ['no page', {}, 101],
  ['a page on the list', { Origin: 'https://app.example.com' }, 101],
  ['a page elsewhere', { Origin: 'https://evil.example' }, 403],
  ['a page of the same host on another port', { Origin: 'https://app.example.com:8443' }, 403],
  ['a page of the same host without TLS', { Origin: 'http://app.example.com' }, 403],
  ['a page of a host that only begins so', { Origin: 'https://app.example.com.evil.example' }, 403],
  ['a page without an origin of its own', { Origin: 'null' }, 403],
])('origins are the tenant’s to allow: %s', async (_, origin, status) => {
  const listed = world(() => ({ ...GRANTED, origins: ['https://app.example.com'] }));
  for (const credential of [await keyOf('api'), await tokenOf()]) {
    const headers = { ...WS, ...origin, Authorization: `Bearer ${credential}` };
    expect((await ask('/call-api', { headers }, listed.env)).status).toBe(status);
  }
  const minted = await mintWith(await keyOf('api'), { subject: 'alice' }, listed.env, origin);
  expect(minted.status).toBe(status === 101 ? 200 : status);
});

it('a tenant may allow any page', async () => {
  const open = world(() => ({ ...GRANTED, origins: ['*'] }));
  const headers = { ...WS, Origin: 'https://anywhere.example', Authorization: `Bearer ${await tokenOf()}` };
  expect((await ask('/call-api', { headers }, open.env)).status).toBe(101);
});

const elsewhere = { KEY_SECRETS: 'test:another-deployment-another-deployment' };
const unknownKid = { KEY_SECRETS: 'other:key-secret-of-the-tests-0123456789' };
const key = await keyOf('api');

/** What opens nothing, and can be told so without asking anybody. */
const MADE_UP: readonly (readonly [string, string | undefined])[] = [
  ['nothing', undefined],
  ['garbage', 'garbage'],
  ['a key with another MAC', key.slice(0, -4) + (key.endsWith('AAAA') ? 'BBBB' : 'AAAA')],
  ['a key without its MAC', key.slice(0, key.lastIndexOf('.'))],
  ['a key of another deployment', await keyOf('api', {}, elsewhere)],
  ['a key of an unknown kid', await keyOf('api', {}, unknownKid)],
  ['an expired token', await tokenOf({ expires: Date.now() - 1_000 })],
  ['a token of another deployment', await tokenOf({}, elsewhere)],
  ['a token of an unknown kid', await tokenOf({}, unknownKid)],
  ['a token of alg none', new UnsecuredJWT({ tenant: 'acme', site: 'north', sub: 'alice' }).encode()],
  ['the secret of the administrator', env.ADMIN_SECRET],
];

const DOORS: readonly (readonly [string, RequestInit])[] = [
  ['/call-api', { headers: WS }],
  ['/call-api', {}],
  ['/adapter', { headers: WS }],
  ['/adapter', {}],
  ['/v1/tokens', { method: 'POST', body: '{"subject":"alice"}' }],
  ['/v1/me', {}],
];

it.each(MADE_UP)('%s opens no door, touches no object and leaves no trace', async (_, credential) => {
  const answers = new Set<string>();
  for (const [path, init] of DOORS) {
    const headers = new Headers(init.headers);
    if (credential !== undefined) headers.set('Authorization', `Bearer ${credential}`);
    const inQuery = credential === undefined ? '' : `?access_token=${credential}`;
    for (const response of [
      await ask(path, { ...init, headers }, withoutObjects()),
      await ask(`${path}${inQuery}`, init, withoutObjects()),
    ]) {
      expect(response.status).toBe(401);
      answers.add(await response.text());
    }
  }
  expect([...answers]).toEqual([
    '{"status":401,"detail":"a key or a token that holds is needed: send it as Authorization: Bearer"}',
  ]);
  expect(said).toEqual([]);
});

it.each([
  ['an adapter’s key at the client’s door', '/call-api', await keyOf('adapter')],
  ['a client’s key at the adapter’s door', '/adapter', key],
  ['a token at the adapter’s door', '/adapter', await tokenOf()],
  ['a token where tokens are minted', '/v1/tokens', await tokenOf()],
  ['an adapter’s key where tokens are minted', '/v1/tokens', await keyOf('adapter')],
])('%s is refused without a question', async (_, path, credential) => {
  const method = path === '/v1/tokens' ? 'POST' : 'GET';
  const headers = { ...WS, Authorization: `Bearer ${credential}` };
  expect((await ask(path, { method, headers }, withoutObjects())).status).toBe(401);
});

it('what the tenant does not let in gets the answer of what is made up', async () => {
  const closed = world(() => ({ ok: false }));
  const refusal = await (await ask('/call-api', { headers: WS }, withoutObjects())).text();
  for (const credential of [key, await tokenOf()]) {
    const response = await ask(
      '/call-api',
      { headers: { ...WS, Authorization: `Bearer ${credential}` } },
      closed.env,
    );
    expect(response.status).toBe(401);
    expect(await response.text()).toBe(refusal);
  }
  expect((await mintWith(key, { subject: 'alice' }, closed.env)).status).toBe(401);
  expect((await mintWith(key, 'not even JSON', closed.env)).status).toBe(401);
  expect(closed.handed).toEqual([]);
});

it('without a token every route but /healthz and the console refuses, and nothing is touched', async () => {
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
      const response = await ask(path, { method, headers: WS }, withoutObjects());
      expect([401, 404], `${method} ${path}`).toContain(response.status);
    }
  }
  expect((await ask('/', {}, withoutObjects())).status).toBe(200);
  const health = await ask('/healthz', {}, withoutObjects());
  expect(health.status).toBe(200);
  expect(Object.keys((await health.json()) as object)).toEqual(['status', 'version']);
});

it('without secrets of its own a deployment lets nobody in', async () => {
  const { KEY_SECRETS: _, ADMIN_SECRET: __, ...bare } = withoutObjects();
  for (const [path, init] of DOORS) {
    for (const credential of [key, await tokenOf(), 'undefined', '']) {
      const headers = {
        ...Object.fromEntries(new Headers(init.headers)),
        Authorization: `Bearer ${credential}`,
      };
      expect((await ask(path, { ...init, headers }, bare)).status).toBe(401);
    }
  }
});

it('whatever is sent as a credential: refused, in silence, and nothing is touched', async () => {
  const worker = deployed();
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
      const response = await ask(`${path}${query}`, { headers: WS }, withoutObjects(), worker);
      expect(response.status).toBe(401);
    }),
    { numRuns: 2_000 },
  );
  expect(said).toEqual([]);
});

it('health is for those who may read', async () => {
  const full = world(() => GRANTED);
  const headers = { Authorization: `Bearer ${key}` };
  expect(await (await ask('/healthz', { headers }, full.env)).json()).toMatchObject({
    site: 'acme/north',
    running: 0,
  });
  const lesser = world(() => ({ ...GRANTED, scopes: ['CallStart'] }));
  expect(await (await ask('/healthz', { headers }, lesser.env)).json()).not.toHaveProperty('running');
});

it('a revoked key comes in for 30 s at most', async () => {
  let now = Date.now();
  const begun = now;
  let revoked = false;
  const { env: within } = world(() => (revoked ? { ok: false } : GRANTED));
  const worker = deployed(() => now);
  const init = { headers: { ...WS, Authorization: `Bearer ${key}` } };
  expect((await ask('/call-api', init, within, worker)).status).toBe(101);
  revoked = true;
  now = begun + 29_999;
  expect((await ask('/call-api', init, within, worker)).status).toBe(101);
  now = begun + 30_000;
  expect((await ask('/call-api', init, within, worker)).status).toBe(401);
});

it('a token does not outlast its time for what is kept of its key', async () => {
  let now = Date.now();
  const { env: within } = world(() => GRANTED);
  const worker = deployed(() => now);
  const token = await tokenOf({ expires: now + 10_000 }, env, now);
  const init = { headers: { ...WS, Authorization: `Bearer ${token}` } };
  expect((await ask('/call-api', init, within, worker)).status).toBe(101);
  now += 10_000;
  expect((await ask('/call-api', init, within, worker)).status).toBe(401);
});

it('a site that is full says so, and when to try again', async () => {
  const { env: within } = world(() => GRANTED, 429);
  const response = await ask('/call-api', { headers: { ...WS, Authorization: `Bearer ${key}` } }, within);
  expect(response.status).toBe(429);
  expect(response.headers.get('Retry-After')).toBe('7');
  expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
});

it('mints what is asked for, and notes it', async () => {
  const {
    env: within,
    noted,
    handed,
  } = world(() => ({ ...GRANTED, scopes: ['CallStart', 'read', 'tokens'] }));
  const caller = 'sip:alice@example.com';
  const before = Date.now();
  const wish = { site: 'north', subject: 'alice', scopes: ['CallStart'], caller, expires_in: 120 };
  const response = await mintWith(key, wish, within, { 'CF-Connecting-IP': '192.0.2.7' });
  expect(response.status).toBe(200);
  const minted = (await response.json()) as { token: string; expires: string };
  expect(minted).toMatchObject({
    tenant: 'acme',
    site: 'north',
    subject: 'alice',
    scopes: ['CallStart'],
    caller,
  });
  const lasts = Date.parse(minted.expires) - before;
  expect(lasts).toBeGreaterThan(118_000);
  expect(lasts).toBeLessThan(130_000);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  const deed = { tenant: 'acme', actor: 'key:k1', from: '192.0.2.7', action: 'token.mint' };
  expect(noted).toEqual([{ ...deed, target: 'north/sub:alice', outcome: 'ok' }]);
  await ask('/call-api', { headers: { ...WS, Authorization: `Bearer ${minted.token}` } }, within);
  expect(handed[0]?.admitted).toMatchObject({
    subject: 'sub:alice',
    key: 'k1',
    caller,
    expires: Date.parse(minted.expires),
  });
});

it('a token may do all that its key may, but mint, unless less is asked for; and for an hour', async () => {
  const { env: within } = world(() => ({ ...GRANTED, scopes: ['CallStart', 'read', 'tokens'] }));
  const minted = (await (await mintWith(key, { subject: 'alice' }, within)).json()) as {
    scopes: string[];
    expires: string;
  };
  expect(minted.scopes).toEqual(['CallStart', 'read']);
  expect((Date.parse(minted.expires) - Date.now()) / 60_000).toBeCloseTo(60, 0);
});

it.each<[string, object | string, number, string]>([
  ['no JSON', '{', 400, 'a wish for a token'],
  ['no subject', {}, 400, 'subject'],
  ['an empty subject', { subject: '' }, 400, 'subject'],
  ['a subject of two lines', { subject: 'a\nb' }, 400, 'subject'],
  ['a long subject', { subject: 'a'.repeat(129) }, 400, 'subject'],
  ['too short a time', { subject: 'a', expires_in: 59 }, 400, 'expires_in'],
  ['more than a day', { subject: 'a', expires_in: 86_401 }, 400, 'expires_in'],
  ['a scope that there is not', { subject: 'a', scopes: ['everything'] }, 400, 'scopes'],
  ['the right to mint', { subject: 'a', scopes: ['tokens'] }, 400, 'scopes'],
  ['no scopes', { subject: 'a', scopes: [] }, 400, 'scopes'],
  ['a scope that the key lacks', { subject: 'a', scopes: ['CallEnd'] }, 403, 'lacks CallEnd'],
  ['a caller that is no address', { subject: 'a', caller: 'alice' }, 400, 'caller'],
  ['a field that there is not', { subject: 'a', tenant: 'globex' }, 400, 'tenant'],
  ['a site that cannot be', { subject: 'a', site: '../x' }, 400, 'site'],
  ['a site that the key is not for', { subject: 'a', site: 'south' }, 401, 'a key or a token'],
  ['too much', { subject: 'a'.repeat(10_000) }, 413, '8192'],
])('mints nothing for %s, and says why', async (_, wish, status, why) => {
  const { env: within, noted } = world(({ site = 'north' }) =>
    site === 'north' ? { ...GRANTED, scopes: ['CallStart', 'tokens'] } : { ok: false },
  );
  const response = await mintWith(key, wish, within);
  expect(response.status).toBe(status);
  expect(((await response.json()) as { detail: string }).detail).toContain(why);
  expect(noted.filter(({ outcome }) => outcome === 'ok')).toEqual([]);
});

it('mints nothing for a key without that scope, and notes the attempt', async () => {
  const { env: within, noted } = world(() => ({ ...GRANTED, scopes: ['CallStart'] }));
  const response = await mintWith(key, { subject: 'alice' }, within);
  expect(response.status).toBe(403);
  expect(noted).toMatchObject([{ action: 'token.mint', outcome: 'not allowed' }]);
});

it('mints nothing where the site is not said and the key is for several', async () => {
  const { env: within } = world(() => ({ ...GRANTED, site: null }));
  expect((await mintWith(key, { subject: 'alice' }, within)).status).toBe(400);
});

it('every answer carries what keeps a browser from harm', async () => {
  for (const [path, init] of [
    ...DOORS,
    ['/nowhere', {}],
    ['/healthz', {}],
    ['/v1/admin/tenants', {}],
  ] as const) {
    const { headers } = await ask(path, init, withoutObjects());
    expect(Object.fromEntries(headers), path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
      'strict-transport-security': expect.stringContaining('max-age='),
    });
  }
  const plain = await deployed().fetch(new Request('http://127.0.0.1/healthz'), withoutObjects());
  expect(plain.headers.has('Strict-Transport-Security')).toBe(false);
});

it('what breaks inside is logged there without credentials, and tells nothing outside', async () => {
  const { env: broken } = world(({ secretHash }) => {
    throw new Error(`lost Bearer ${key} of ${secretHash}`);
  });
  for (const [path, headers] of [
    ['/call-api', { Authorization: `Bearer ${key}` }],
    ['/call-api', { 'Sec-WebSocket-Protocol': `call-api.v1, call-api.token.${key}` }],
    [`/call-api?access_token=${key}`, {}],
  ] as const) {
    const response = await ask(path, { headers: { ...WS, ...headers } }, broken);
    expect(response.status).toBe(500);
    const body = await response.text();
    expect(body).not.toMatch(/lost|at .*\.ts|stack/);
    expect(body).not.toContain(SECRET);
  }
  expect(said).toHaveLength(3);
  for (const line of said) {
    expect(line).toContain('GET /call-api failed: Error: lost');
    expect(line).not.toContain(SECRET);
    expect(line).not.toContain(key.split('.').at(-1));
  }
});

it.each(['retryable', 'overloaded'])('what the platform says will pass is told so: %s', async (flag) => {
  const { env: busy } = world(() => {
    throw Object.assign(new Error('the object is elsewhere just now'), { [flag]: true });
  });
  const response = await ask('/call-api', { headers: { ...WS, Authorization: `Bearer ${key}` } }, busy);
  expect(response.status).toBe(503);
  expect(response.headers.get('Retry-After')).toBe('1');
});

it('what a key is, its tenant’s record says, not its text alone', async () => {
  const swapped = world(() => ({ ...GRANTED, role: 'adapter' }));
  for (const credential of [key, await tokenOf()]) {
    const headers = { ...WS, Authorization: `Bearer ${credential}` };
    expect((await ask('/call-api', { headers }, swapped.env)).status).toBe(401);
  }
  const client = world(() => GRANTED);
  const headers = { ...WS, Authorization: `Bearer ${await keyOf('adapter')}` };
  expect((await ask('/adapter', { headers }, client.env)).status).toBe(401);
  expect([...swapped.handed, ...client.handed]).toEqual([]);
});
