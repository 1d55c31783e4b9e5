/** The admin API: its authentication, validation and responses, and that secrets are shown once and never stored. */
import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { DEFAULT_SCOPES } from '../../../shared/policy/policy.ts';
import { parseApiKey } from '../../auth/api-keys.ts';
import { hashSecret } from '../../auth/key-text.ts';
import { envWithoutObjects } from '../../testing/env-without-objects.ts';
import { scenarios } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';
import { createAdminRoutes } from './routes.ts';

const ADMIN_AUTHORIZATION = { Authorization: `Bearer ${env.ADMIN_SECRET}` };

interface AdminResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function request(
  method: string,
  path: string,
  body?: unknown,
  headers: object = ADMIN_AUTHORIZATION,
): Promise<AdminResponse> {
  const response = await exports.default.fetch(
    new Request(`http://localhost/v1/admin${path}`, {
      method,
      headers: { 'CF-Connecting-IP': '192.0.2.7', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  );
  return { status: response.status, body: await response.json() };
}

let tenantCount = 0;

/** Creates a tenant with the given sites, and returns its path. */
async function createTenant(...sites: string[]): Promise<string> {
  const id = `admin-${++tenantCount}`;
  expect(await request('POST', '/tenants', { id })).toMatchObject({ status: 201 });
  for (const site of sites)
    expect(await request('POST', `/tenants/${id}/sites`, { id: site })).toMatchObject({ status: 201 });
  return `/tenants/${id}`;
}

const ROUTES = [
  ['POST', '/tenants'],
  ['GET', '/tenants'],
  ['GET', '/audit'],
  ['GET', '/tenants/acme'],
  ['PATCH', '/tenants/acme'],
  ['DELETE', '/tenants/acme'],
  ['POST', '/tenants/acme/sites'],
  ['GET', '/tenants/acme/sites'],
  ['GET', '/tenants/acme/sites/north'],
  ['PATCH', '/tenants/acme/sites/berlin'],
  ['DELETE', '/tenants/acme/sites/berlin'],
  ['POST', '/tenants/acme/keys'],
  ['GET', '/tenants/acme/keys'],
  ['DELETE', '/tenants/acme/keys/k'],
  ['POST', '/tenants/acme/keys/k/rotate'],
  ['GET', '/tenants/acme/audit'],
  ['GET', '/nowhere'],
] as const;

it.each(ROUTES)(
  'rejects %s %s without the admin secret, and without using any object',
  async (method, path) => {
    const requestWith = async (
      authorization: string | undefined,
      secret: string | null = env.ADMIN_SECRET ?? '',
    ) => {
      const headers = authorization === undefined ? {} : { Authorization: authorization };
      const { ADMIN_SECRET: _, ...rest } = envWithoutObjects();
      const testEnv = secret === null ? rest : { ...rest, ADMIN_SECRET: secret };
      const response = await createAdminRoutes().request(path, { method, headers }, testEnv);
      return { status: response.status, body: await response.text() };
    };
    const rejections = [
      await requestWith(undefined),
      await requestWith('Bearer'),
      await requestWith('Bearer wrong'),
      await requestWith(`Bearer ${env.ADMIN_SECRET}x`),
      await requestWith(`Basic ${env.ADMIN_SECRET}`),
      await requestWith('Bearer undefined', null),
      await requestWith(`Bearer ${env.ADMIN_SECRET}`, null),
      await requestWith('Bearer ', ''),
      await requestWith(`Bearer ${env.ADMIN_SECRET}`, ''),
    ];
    const [first] = rejections;
    expect(first?.status).toBe(401);
    for (const rejection of rejections) expect(rejection).toEqual(first);
  },
);

it('creates, changes and shows a tenant', async () => {
  const { status, body } = await request('POST', '/tenants', {
    id: 'acme',
    limits: { standing_calls: 5 },
    origins: ['https://app.acme.example'],
  });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    id: 'acme',
    untold: [],
    limits: { standing_calls: 5, message_bytes: 65_536 },
  });
  const changed = await request('PATCH', '/tenants/acme', {
    limits: { standing_calls: null },
    rules: { deny: ['+1900*@*'] },
    kept_seconds: 60,
  });
  expect(changed.status).toBe(200);
  expect(await request('GET', '/tenants/acme')).toMatchObject({
    status: 200,
    body: {
      limits: { standing_calls: 10_000 },
      rules: { allow: [], deny: ['+1900*@*'] },
      origins: ['https://app.acme.example'],
      kept_seconds: 60,
    },
  });
});

it('shows a site with its share of the limits, and the bytes that it stores', async () => {
  const path = await createTenant('north', 'south');
  await request('PATCH', path, { limits: { stored_bytes: 16_777_216, standing_calls: 10 } });
  const site = new TestSite(path.split('/').at(-1), 'north');
  const show = async () => {
    const { status, body } = await request('GET', `${path}/sites/north`);
    expect([status, body]).toMatchObject([
      200,
      { id: 'north', limits: { stored_bytes: 16_777_216, standing_calls: 5 } },
    ]);
    return (body as { usage: { stored_bytes: number } }).usage.stored_bytes;
  };
  const unused = await show();
  await site.adapter(scenarios.endNotFound);
  const client = await site.client();
  for (let n = 0; n < 50; n++) await client.runStored({ metadata: { text: 'x'.repeat(2_000) } });
  expect(await show()).toBeGreaterThan(unused + 100_000);
  expect(await request('GET', `${path}/sites/none`)).toMatchObject({ status: 404 });
});

it('does not create or change a tenant that exists', async () => {
  const path = await createTenant('berlin');
  const id = path.split('/').at(-1);
  expect(await request('POST', '/tenants', { id, kept_seconds: 60 })).toMatchObject({ status: 409 });
  expect((await request('GET', path)).body).toMatchObject({ kept_seconds: 3600 });
  expect((await request('GET', `${path}/sites`)).body).toMatchObject({ sites: [{ id: 'berlin' }] });
});

it('creates or deletes a tenant that an earlier release has listed, but not created', async () => {
  for (const id of ['half', 'lost']) {
    const half = { id, createdAt: 1, deletedAt: null, version: 0 };
    await env.DIRECTORY.get(env.DIRECTORY.idFromName('directory')).record(half);
    expect(await request('GET', `/tenants/${id}`)).toMatchObject({ status: 404 });
  }
  expect(await request('POST', '/tenants', { id: 'half' })).toMatchObject({ status: 201 });
  expect(await request('GET', '/tenants/half')).toMatchObject({ status: 200 });
  expect(await request('DELETE', '/tenants/lost')).toMatchObject({ status: 404 });
  const { tenants } = (await request('GET', '/tenants')).body as { tenants: { id: string }[] };
  expect(tenants.map(({ id }) => id)).not.toContain('lost');
});

it('lists tenants by id, page by page, and deleted ones on request', async () => {
  const existing = await createTenant();
  const deleted = await createTenant();
  const idOf = (path: string) => path.split('/').at(-1);
  expect(await request('DELETE', deleted)).toMatchObject({ status: 200 });
  const listTenants = async (query: string) => {
    const { tenants } = (await request('GET', `/tenants${query}`)).body as { tenants: { id: string }[] };
    return tenants.map(({ id }) => id);
  };
  const listed = await listTenants('');
  expect(listed).toContain(idOf(existing));
  expect(listed).not.toContain(idOf(deleted));
  expect(await listTenants('?deleted=true')).toContain(idOf(deleted));
  expect(listed).toEqual(listed.toSorted());
  expect(await listTenants(`?after=${idOf(existing)}`)).not.toContain(idOf(existing));
});

it('deletes a tenant, and records that in the trail of the directory', async () => {
  const path = await createTenant('berlin');
  const id = path.split('/').at(-1);
  expect(await request('DELETE', path)).toMatchObject({ status: 200, body: { untold: [] } });
  for (const [method, subpath] of [
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/keys'],
    ['GET', '/audit'],
  ] as const)
    expect(await request(method, `${path}${subpath}`)).toMatchObject({ status: 404 });
  const { entries } = (await request('GET', '/audit?limit=2')).body;
  expect(entries).toMatchObject([
    { actor: 'admin', from: '192.0.2.7', action: 'tenant.delete', target: id, outcome: 'ok' },
    { action: 'tenant.create', target: id, outcome: 'ok' },
  ]);
  // The id is not free before its sites are erased a second time, when all cached grants have expired.
  expect(await request('POST', '/tenants', { id })).toMatchObject({ status: 409 });
  expect(await request('GET', path)).toMatchObject({ status: 404 });
});

it('creates, changes and deletes sites', async () => {
  const path = await createTenant('berlin');
  const { body } = await request('PATCH', `${path}/sites/berlin`, {
    location: 'weur',
    rules: { allow: ['*@b'] },
  });
  expect(body).toMatchObject({
    id: 'berlin',
    location: 'weur',
    rules: { allow: ['*@b'], deny: [] },
    untold: [],
  });
  expect(await request('POST', `${path}/sites`, { id: 'berlin' })).toMatchObject({ status: 409 });
  const shown = await request('GET', `${path}/sites/berlin`);
  expect(shown.body).toMatchObject({ id: 'berlin', location: 'weur', link: { connected: false } });
  expect(await request('DELETE', `${path}/sites/berlin`)).toMatchObject({ status: 200 });
  expect(await request('GET', `${path}/sites/berlin`)).toMatchObject({ status: 404 });
  expect((await request('GET', `${path}/sites`)).body).toEqual({ sites: [] });
  for (const method of ['PATCH', 'DELETE'])
    expect(await request(method, `${path}/sites/berlin`, { location: null })).toMatchObject({
      status: 404,
      body: { detail: 'There is no site "berlin". Create it first.' },
    });
});

it('has one adapter serve a site unless it is told otherwise, and keeps what a change does not name', async () => {
  const tenant = await createTenant('berlin');
  const path = `${tenant}/sites/berlin`;
  const setting = async () => {
    const { adapters, replicated_dialogs } = (await request('GET', path)).body;
    return { adapters, replicated_dialogs };
  };
  expect(await setting()).toEqual({ adapters: 'standby', replicated_dialogs: false });
  const changed = await request('PATCH', path, { adapters: 'active', replicated_dialogs: true });
  expect(changed.body).toMatchObject({ adapters: 'active', replicated_dialogs: true });
  await request('PATCH', path, { adapters: 'standby' });
  expect(await setting()).toEqual({ adapters: 'standby', replicated_dialogs: true });
  await request('PATCH', path, { location: 'weur' });
  expect(await setting()).toEqual({ adapters: 'standby', replicated_dialogs: true });
});

it('creates valid keys, with all scopes but manage by default', async () => {
  const path = await createTenant('berlin');
  const unlimited = await request('POST', `${path}/keys`, { role: 'api' });
  expect(unlimited).toMatchObject({ status: 201, body: { role: 'api', site: null, scopes: DEFAULT_SCOPES } });
  const limited = await request('POST', `${path}/keys`, {
    role: 'api',
    site: 'berlin',
    scopes: ['read', 'read'],
  });
  expect(limited.body).toMatchObject({ site: 'berlin', scopes: ['read'] });
  const adapter = await request('POST', `${path}/keys`, { role: 'adapter', site: 'berlin' });
  expect(adapter.body).toMatchObject({ role: 'adapter', site: 'berlin', scopes: [] });

  const tenant = path.split('/').at(-1) ?? '';
  for (const { body } of [unlimited, limited, adapter]) {
    const parsed = await parseApiKey(String(body['key']), env);
    expect(parsed).toMatchObject({ tenant, id: body['id'], role: body['role'] });
    const secretHash = await hashSecret(parsed?.secret ?? '');
    const stub = env.TENANT.get(env.TENANT.idFromName(tenant));
    expect(await stub.authorize({ key: parsed?.id ?? '', secretHash, site: 'berlin' })).toMatchObject({
      ok: true,
    });
  }
  const { keys } = (await request('GET', `${path}/keys`)).body as { keys: object[] };
  expect(keys).toHaveLength(3);
  for (const key of keys) {
    expect(Object.keys(key).toSorted()).toEqual(
      ['created', 'id', 'last_used', 'revoked_at', 'role', 'scopes', 'site'].toSorted(),
    );
  }
});

it('rotates and revokes keys', async () => {
  const path = await createTenant('berlin');
  const old = await request('POST', `${path}/keys`, { role: 'api', scopes: ['read'] });
  const successor = await request('POST', `${path}/keys/${old.body['id']}/rotate`, { grace: 60 });
  expect(successor).toMatchObject({ status: 201, body: { role: 'api', scopes: ['read'], revoked_at: null } });
  expect(successor.body['key']).not.toBe(old.body['key']);
  const secondRotation = await request('POST', `${path}/keys/${old.body['id']}/rotate`);
  expect(secondRotation).toMatchObject({ status: 409 });
  const revoked = await request('DELETE', `${path}/keys/${successor.body['id']}`);
  expect(revoked).toMatchObject({ status: 200, body: { revoked_at: expect.any(String), untold: [] } });
  for (const [method, subpath] of [
    ['DELETE', 'unknown'],
    ['POST', 'unknown/rotate'],
  ] as const)
    expect(await request(method, `${path}/keys/${subpath}`)).toMatchObject({
      status: 404,
      body: { detail: 'There is no key "unknown". List the keys to see their ids.' },
    });
});

it('shows the audit trail page by page, newest first', async () => {
  const path = await createTenant('a', 'b', 'c');
  const first = await request('GET', `${path}/audit?limit=2`);
  expect(first.body).toMatchObject({
    entries: [
      { action: 'site.create', target: 'c', actor: 'admin', from: '192.0.2.7', outcome: 'ok' },
      { target: 'b' },
    ],
  });
  const second = await request('GET', `${path}/audit?limit=2&before=${first.body['next']}`);
  expect(second.body).toMatchObject({ entries: [{ target: 'a' }, { action: 'tenant.create' }] });
});

it.each([
  ['no address', {}],
  ['no valid address', { 'CF-Connecting-IP': '<script>' }],
])('records the address as unknown where the platform sends %s', async (_, headers) => {
  const path = await createTenant();
  await request(
    'POST',
    `${path}/sites`,
    { id: 'a' },
    { ...ADMIN_AUTHORIZATION, 'CF-Connecting-IP': '', ...headers },
  );
  expect((await request('GET', `${path}/audit?limit=1`)).body).toMatchObject({
    entries: [{ from: 'unknown' }],
  });
});

it.each([
  ['POST', '/tenants', '{', 'The body is not JSON. Send an object such as'],
  ['POST', '/tenants', '[]', 'The body is not an object. '],
  ['POST', '/tenants', {}, 'id: '],
  ['POST', '/tenants', { id: 'Acme' }, ' is not valid. Use 1 to 32 of a-z, 0-9'],
  ['POST', '/tenants', { id: '../x' }, ' is not valid. Use 1 to 32 of a-z, 0-9'],
  ['POST', '/tenants', { id: 'x', limit: {} }, 'limit: unknown field. Known fields: id, limits'],
  ['POST', '/tenants', { id: 'x', limits: { calls: 5 } }, 'limits.calls: unknown field.'],
  ['POST', '/tenants', { id: 'x', limits: { standing_calls: 0 } }, 'limits.standing_calls: '],
  ['POST', '/tenants', { id: 'x', limits: { message_bytes: 1e9 } }, 'limits.message_bytes: '],
  ['POST', '/tenants', { id: 'x', rules: { denny: [] } }, 'rules.denny: unknown field.'],
  [
    'POST',
    '/tenants',
    { id: 'x', rules: { deny: ['sip:+1900*@*'] } },
    'rules.deny[0]: "sip:+1900*@*" begins with a scheme.',
  ],
  ['POST', '/tenants', { id: 'x', rules: { deny: ['+1900'] } }, 'such as +1900*@* or *@example.com'],
  ['POST', '/tenants', { id: 'x', rules: { deny: Array(1_001).fill('a@*') } }, 'rules.deny: ['],
  ['POST', '/tenants', { id: 'x', origins: ['app.example.com'] }, 'is not an origin'],
  ['POST', '/tenants', { id: 'x', origins: ['https://app.example.com/'] }, 'is not an origin'],
  ['POST', '/tenants', { id: 'x', origins: ['https://App.example.com'] }, 'is not an origin'],
  ['POST', '/tenants', { id: 'x', kept_seconds: 3_601 }, 'kept_seconds: '],
  [
    'PATCH',
    '',
    {},
    'The body changes nothing. Give at least one of limits, rules, origins, kept_seconds, bounds.',
  ],
  ['PATCH', '', { id: 'other' }, 'id: unknown field.'],
  ['POST', '/sites', { id: 'x', location: 'mars' }, 'location: '],
  [
    'PATCH',
    '/sites/berlin',
    {},
    'The body changes nothing. Give at least one of location, rules, link, adapters, replicated_dialogs.',
  ],
  ['PATCH', '/sites/berlin', { adapters: 'both' }, 'adapters: '],
  ['PATCH', '/sites/berlin', { replicated_dialogs: 'yes' }, 'replicated_dialogs: '],
  ['POST', '/keys', {}, 'role: '],
  ['POST', '/keys', { role: 'adapter' }, 'site: '],
  ['POST', '/keys', { role: 'adapter', site: 'berlin', scopes: ['read'] }, 'scopes: unknown field.'],
  ['POST', '/keys', { role: 'api', scopes: [] }, 'scopes: '],
  ['POST', '/keys', { role: 'api', scopes: ['admin'] }, 'scopes[0]: '],
  ['POST', '/keys/k/rotate', { grace: 604_801 }, 'grace: '],
  ['GET', '/audit?limit=0', undefined, 'limit: '],
  ['GET', '/audit?before=x', undefined, 'before: '],
  ['GET', '/audit?since=1', undefined, 'since: unknown field.'],
])('rejects %s %s %j with the field and the reason', async (method, subpath, body, reason) => {
  const path = subpath.startsWith('/tenants') ? subpath : `${await createTenant('berlin')}${subpath}`;
  const response = await request(method, path, body);
  expect(response.status).toBe(400);
  expect(response.body['detail']).toContain(reason);
});

it('creates no key for an unknown site', async () => {
  const path = await createTenant();
  expect(await request('POST', `${path}/keys`, { role: 'adapter', site: 'berlin' })).toMatchObject({
    status: 404,
  });
});

it('creates no key without KEY_SECRETS, and says what is missing', async () => {
  const path = await createTenant();
  const { KEY_SECRETS: _, ...envWithoutSecrets } = env;
  const init = { method: 'POST', headers: ADMIN_AUTHORIZATION, body: '{"role":"api"}' };
  const response = await createAdminRoutes().request(`${path}/keys`, init, envWithoutSecrets);
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('KEY_SECRETS');
  expect((await request('GET', `${path}/keys`)).body).toEqual({ keys: [] });
});

it('creates no object for an unlisted tenant', async () => {
  const accesses: string[] = [];
  const spiedNamespace = new Proxy(env.TENANT, {
    get: (namespace, name) => {
      accesses.push(String(name));
      return Reflect.get(namespace, name);
    },
  });
  const response = await createAdminRoutes().request(
    '/tenants/nobody/keys',
    { headers: ADMIN_AUTHORIZATION },
    { ...env, TENANT: spiedNamespace },
  );
  expect([response.status, accesses]).toEqual([404, []]);
});

it('stores no secret and no key in any table, and shows no secret of the deployment', async () => {
  const path = await createTenant('berlin');
  const id = path.split('/').at(-1) ?? '';
  const keys = [
    await request('POST', `${path}/keys`, { role: 'api' }),
    await request('POST', `${path}/keys`, { role: 'adapter', site: 'berlin' }),
  ];
  keys.push(await request('POST', `${path}/keys/${keys[0]?.body['id']}/rotate`, { grace: 60 }));
  await request('DELETE', `${path}/keys/${keys[1]?.body['id']}`);
  const texts = keys.map(({ body }) => String(body['key']));
  const secrets = await Promise.all(texts.map(async (text) => (await parseApiKey(text, env))?.secret ?? ''));
  const stored = [
    await readAllRows(env.TENANT.get(env.TENANT.idFromName(id))),
    await readAllRows(env.DIRECTORY.get(env.DIRECTORY.idFromName('directory'))),
    await readAllRows(env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(`${id}/berlin`))),
    ...(
      await Promise.all(
        ['', '/sites', '/keys', '/audit'].map((subpath) => request('GET', `${path}${subpath}`)),
      )
    ).map((response) => JSON.stringify(response)),
  ].join('\n');
  // The tables were read: they contain what they may contain.
  expect(stored).toContain(await hashSecret(secrets[0] ?? ''));
  expect(stored).toContain('key.rotate');
  for (const secret of [...texts, ...secrets, env.ADMIN_SECRET ?? '', env.KEY_SECRETS ?? '']) {
    expect(secret.length).toBeGreaterThan(16);
    expect(stored).not.toContain(secret);
  }
});

/** Returns every row of every table, as text. */
function readAllRows(stub: DurableObjectStub): Promise<string> {
  return runInDurableObject(stub, (_, { storage: { sql } }) =>
    sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray()
      .flatMap(({ name }) => sql.exec(`SELECT * FROM ${name}`).toArray())
      .map((row) => JSON.stringify(row))
      .join('\n'),
  );
}
