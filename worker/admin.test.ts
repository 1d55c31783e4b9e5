/** Administration over HTTP: who may, what it takes, what it answers, and that a secret is shown once and kept nowhere. */
import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { SCOPES } from '../shared/policy.ts';
import { admin } from './admin.ts';
import { hashSecret, readKey } from './door/api-keys.ts';
import { withoutObjects } from './testing/no-objects.ts';

const authorised = { Authorization: `Bearer ${env.ADMIN_SECRET}` };

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: object = authorised,
): Promise<Answer> {
  const response = await exports.default.fetch(
    new Request(`http://localhost/v1/admin${path}`, {
      method,
      headers: { 'CF-Connecting-IP': '192.0.2.7', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  );
  return { status: response.status, body: await response.json() };
}

let tenants = 0;

/** A tenant with these sites; gives its path. */
async function tenantWith(...sites: string[]): Promise<string> {
  const id = `admin-${++tenants}`;
  expect(await ask('POST', '/tenants', { id })).toMatchObject({ status: 201 });
  for (const site of sites)
    expect(await ask('POST', `/tenants/${id}/sites`, { id: site })).toMatchObject({ status: 201 });
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
  '%s %s is closed to whoever has no admin secret, before any object is asked',
  async (method, path) => {
    const knock = async (
      authorization: string | undefined,
      secret: string | null = env.ADMIN_SECRET ?? '',
    ) => {
      const headers = authorization === undefined ? {} : { Authorization: authorization };
      const { ADMIN_SECRET: _, ...rest } = withoutObjects();
      const surroundings = secret === null ? rest : { ...rest, ADMIN_SECRET: secret };
      const response = await admin().request(path, { method, headers }, surroundings);
      return { status: response.status, body: await response.text() };
    };
    const refusals = [
      await knock(undefined),
      await knock('Bearer'),
      await knock('Bearer wrong'),
      await knock(`Bearer ${env.ADMIN_SECRET}x`),
      await knock(`Basic ${env.ADMIN_SECRET}`),
      await knock('Bearer undefined', null),
      await knock(`Bearer ${env.ADMIN_SECRET}`, null),
      await knock('Bearer ', ''),
      await knock(`Bearer ${env.ADMIN_SECRET}`, ''),
    ];
    const [first] = refusals;
    expect(first?.status).toBe(401);
    for (const refusal of refusals) expect(refusal).toEqual(first);
  },
);

it('makes a tenant, shows it, changes it', async () => {
  const { status, body } = await ask('POST', '/tenants', {
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
  const changed = await ask('PATCH', '/tenants/acme', {
    limits: { standing_calls: null },
    rules: { deny: ['+1900*@*'] },
    kept_seconds: 60,
  });
  expect(changed.status).toBe(200);
  expect(await ask('GET', '/tenants/acme')).toMatchObject({
    status: 200,
    body: {
      limits: { standing_calls: 10_000 },
      rules: { allow: [], deny: ['+1900*@*'] },
      origins: ['https://app.acme.example'],
      kept_seconds: 60,
    },
  });
});

it('a tenant that exists is not made again, and stays as it is', async () => {
  const path = await tenantWith('berlin');
  const id = path.split('/').at(-1);
  expect(await ask('POST', '/tenants', { id, kept_seconds: 60 })).toMatchObject({ status: 409 });
  expect((await ask('GET', path)).body).toMatchObject({ kept_seconds: 3600 });
  expect((await ask('GET', `${path}/sites`)).body).toMatchObject({ sites: [{ id: 'berlin' }] });
});

it('a tenant that was listed but not made, as after a crash in between, can be made', async () => {
  await env.DIRECTORY.get(env.DIRECTORY.idFromName('directory')).add('half');
  expect(await ask('GET', '/tenants/half')).toMatchObject({ status: 404 });
  expect(await ask('POST', '/tenants', { id: 'half' })).toMatchObject({ status: 201 });
  expect(await ask('GET', '/tenants/half')).toMatchObject({ status: 200 });
});

it('lists the tenants by name, page after page, the deleted ones where they are wanted', async () => {
  const kept = await tenantWith();
  const gone = await tenantWith();
  const name = (path: string) => path.split('/').at(-1);
  expect(await ask('DELETE', gone)).toMatchObject({ status: 200 });
  const listed = async (query: string) => {
    const { tenants } = (await ask('GET', `/tenants${query}`)).body as { tenants: { id: string }[] };
    return tenants.map(({ id }) => id);
  };
  const standing = await listed('');
  expect(standing).toContain(name(kept));
  expect(standing).not.toContain(name(gone));
  expect(await listed('?deleted=true')).toContain(name(gone));
  expect(standing).toEqual(standing.toSorted());
  expect(await listed(`?after=${name(kept)}`)).not.toContain(name(kept));
});

it('a deleted tenant is no more, and the trail of tenants tells of it', async () => {
  const path = await tenantWith('berlin');
  const id = path.split('/').at(-1);
  expect(await ask('DELETE', path)).toMatchObject({ status: 200, body: { untold: [] } });
  for (const [method, below] of [
    ['GET', ''],
    ['DELETE', ''],
    ['GET', '/keys'],
    ['GET', '/audit'],
  ] as const)
    expect(await ask(method, `${path}${below}`)).toMatchObject({ status: 404 });
  const { entries } = (await ask('GET', '/audit?limit=2')).body;
  expect(entries).toMatchObject([
    { actor: 'admin', from: '192.0.2.7', action: 'tenant.delete', target: id, outcome: 'ok' },
    { action: 'tenant.create', target: id, outcome: 'ok' },
  ]);
  // Its sites are erased once more when no door can remember them; until then the name is not free.
  expect(await ask('POST', '/tenants', { id })).toMatchObject({ status: 409 });
  expect(await ask('GET', path)).toMatchObject({ status: 404 });
});

it('makes, changes and deletes sites', async () => {
  const path = await tenantWith('berlin');
  const { body } = await ask('PATCH', `${path}/sites/berlin`, {
    location: 'weur',
    rules: { allow: ['*@b'] },
  });
  expect(body).toMatchObject({
    id: 'berlin',
    location: 'weur',
    rules: { allow: ['*@b'], deny: [] },
    untold: [],
  });
  expect(await ask('POST', `${path}/sites`, { id: 'berlin' })).toMatchObject({ status: 409 });
  expect(await ask('DELETE', `${path}/sites/berlin`)).toMatchObject({ status: 200 });
  expect((await ask('GET', `${path}/sites`)).body).toEqual({ sites: [] });
  for (const method of ['PATCH', 'DELETE'])
    expect(await ask(method, `${path}/sites/berlin`, { location: null })).toMatchObject({
      status: 404,
      body: { detail: 'there is no site berlin; create it first' },
    });
});

it('makes keys that the door reads, with all scopes unless fewer are asked for', async () => {
  const path = await tenantWith('berlin');
  const all = await ask('POST', `${path}/keys`, { role: 'api' });
  expect(all).toMatchObject({ status: 201, body: { role: 'api', site: null, scopes: SCOPES } });
  const few = await ask('POST', `${path}/keys`, { role: 'api', site: 'berlin', scopes: ['read', 'read'] });
  expect(few.body).toMatchObject({ site: 'berlin', scopes: ['read'] });
  const adapter = await ask('POST', `${path}/keys`, { role: 'adapter', site: 'berlin' });
  expect(adapter.body).toMatchObject({ role: 'adapter', site: 'berlin', scopes: [] });

  const tenant = path.split('/').at(-1) ?? '';
  for (const { body } of [all, few, adapter]) {
    const read = await readKey(String(body['key']), env);
    expect(read).toMatchObject({ tenant, id: body['id'], role: body['role'] });
    const secretHash = await hashSecret(read?.secret ?? '');
    const stub = env.TENANT.get(env.TENANT.idFromName(tenant));
    expect(await stub.admit({ key: read?.id ?? '', secretHash, site: 'berlin' })).toMatchObject({ ok: true });
  }
  const { keys } = (await ask('GET', `${path}/keys`)).body as { keys: object[] };
  expect(keys).toHaveLength(3);
  for (const key of keys) {
    expect(Object.keys(key).toSorted()).toEqual(
      ['created', 'id', 'last_used', 'revoked_at', 'role', 'scopes', 'site'].toSorted(),
    );
  }
});

it('rotates and revokes', async () => {
  const path = await tenantWith('berlin');
  const old = await ask('POST', `${path}/keys`, { role: 'api', scopes: ['read'] });
  const fresh = await ask('POST', `${path}/keys/${old.body['id']}/rotate`, { grace: 60 });
  expect(fresh).toMatchObject({ status: 201, body: { role: 'api', scopes: ['read'], revoked_at: null } });
  expect(fresh.body['key']).not.toBe(old.body['key']);
  const again = await ask('POST', `${path}/keys/${old.body['id']}/rotate`);
  expect(again).toMatchObject({ status: 409 });
  const revoked = await ask('DELETE', `${path}/keys/${fresh.body['id']}`);
  expect(revoked).toMatchObject({ status: 200, body: { revoked_at: expect.any(String), untold: [] } });
  for (const [method, below] of [
    ['DELETE', 'unknown'],
    ['POST', 'unknown/rotate'],
  ] as const)
    expect(await ask(method, `${path}/keys/${below}`)).toMatchObject({
      status: 404,
      body: { detail: 'there is no key unknown; list the keys to see their ids' },
    });
});

it('shows the trail page by page, newest first', async () => {
  const path = await tenantWith('a', 'b', 'c');
  const first = await ask('GET', `${path}/audit?limit=2`);
  expect(first.body).toMatchObject({
    entries: [
      { action: 'site.create', target: 'c', actor: 'admin', from: '192.0.2.7', outcome: 'ok' },
      { target: 'b' },
    ],
  });
  const second = await ask('GET', `${path}/audit?limit=2&before=${first.body['next']}`);
  expect(second.body).toMatchObject({ entries: [{ target: 'a' }, { action: 'tenant.create' }] });
});

it.each([
  ['no address', {}],
  ['something that is none', { 'CF-Connecting-IP': '<script>' }],
])('where the platform says %s, the trail says unknown', async (_, headers) => {
  const path = await tenantWith();
  await ask('POST', `${path}/sites`, { id: 'a' }, { ...authorised, 'CF-Connecting-IP': '', ...headers });
  expect((await ask('GET', `${path}/audit?limit=1`)).body).toMatchObject({ entries: [{ from: 'unknown' }] });
});

it.each([
  ['POST', '/tenants', '{', 'the body is not JSON'],
  ['POST', '/tenants', '[]', 'expected object'],
  ['POST', '/tenants', {}, 'id: '],
  ['POST', '/tenants', { id: 'Acme' }, 'id: 1 to 32 of a-z 0-9 -'],
  ['POST', '/tenants', { id: '../x' }, 'id: 1 to 32 of a-z 0-9 -'],
  ['POST', '/tenants', { id: 'x', limit: {} }, '"limit"'],
  ['POST', '/tenants', { id: 'x', limits: { calls: 5 } }, '"calls"'],
  ['POST', '/tenants', { id: 'x', limits: { standing_calls: 0 } }, 'limits.standing_calls: '],
  ['POST', '/tenants', { id: 'x', limits: { message_bytes: 1e9 } }, 'limits.message_bytes: '],
  ['POST', '/tenants', { id: 'x', rules: { denny: [] } }, '"denny"'],
  ['POST', '/tenants', { id: 'x', rules: { deny: ['sip:+1900*@*'] } }, 'rules.deny.0: a pattern is compared'],
  ['POST', '/tenants', { id: 'x', rules: { deny: ['+1900'] } }, 'write +1900*@* or *@example.com'],
  ['POST', '/tenants', { id: 'x', rules: { deny: Array(1_001).fill('a@*') } }, 'rules.deny: '],
  ['POST', '/tenants', { id: 'x', origins: ['app.example.com'] }, 'origins.0: an origin is'],
  ['POST', '/tenants', { id: 'x', origins: ['https://app.example.com/'] }, 'origins.0: an origin is'],
  ['POST', '/tenants', { id: 'x', origins: ['https://App.example.com'] }, 'origins.0: an origin is'],
  ['POST', '/tenants', { id: 'x', kept_seconds: 3_601 }, 'kept_seconds: '],
  ['PATCH', '', {}, 'nothing is to be changed: give one of limits, rules, origins, kept_seconds'],
  ['PATCH', '', { id: 'other' }, '"id"'],
  ['POST', '/sites', { id: 'x', location: 'mars' }, 'location: '],
  ['PATCH', '/sites/berlin', {}, 'nothing is to be changed: give one of location, rules'],
  ['POST', '/keys', {}, 'role: '],
  ['POST', '/keys', { role: 'adapter' }, 'site: '],
  ['POST', '/keys', { role: 'adapter', site: 'berlin', scopes: ['read'] }, '"scopes"'],
  ['POST', '/keys', { role: 'api', scopes: [] }, 'scopes: '],
  ['POST', '/keys', { role: 'api', scopes: ['admin'] }, 'scopes.0: '],
  ['POST', '/keys/k/rotate', { grace: 604_801 }, 'grace: '],
  ['GET', '/audit?limit=0', undefined, 'limit: '],
  ['GET', '/audit?before=x', undefined, 'before: '],
  ['GET', '/audit?since=1', undefined, '"since"'],
])('%s %s %j is refused with the field and why', async (method, below, body, sentence) => {
  const path = below.startsWith('/tenants') ? below : `${await tenantWith('berlin')}${below}`;
  const answer = await ask(method, path, body);
  expect(answer.status).toBe(400);
  expect(answer.body['detail']).toContain(sentence);
});

it('a site that is not there gets no key', async () => {
  const path = await tenantWith();
  expect(await ask('POST', `${path}/keys`, { role: 'adapter', site: 'berlin' })).toMatchObject({
    status: 404,
  });
});

it('without KEY_SECRETS it makes no key, and says what is missing', async () => {
  const path = await tenantWith();
  const { KEY_SECRETS: _, ...without } = env;
  const init = { method: 'POST', headers: authorised, body: '{"role":"api"}' };
  const response = await admin().request(`${path}/keys`, init, without);
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('KEY_SECRETS');
  expect((await ask('GET', `${path}/keys`)).body).toEqual({ keys: [] });
});

it('asking about a tenant that is not listed makes no object for it', async () => {
  const touched: string[] = [];
  const watched = new Proxy(env.TENANT, {
    get: (namespace, name) => {
      touched.push(String(name));
      return Reflect.get(namespace, name);
    },
  });
  const response = await admin().request(
    '/tenants/nobody/keys',
    { headers: authorised },
    { ...env, TENANT: watched },
  );
  expect([response.status, touched]).toEqual([404, []]);
});

it('no secret and no key stands in any table, nor the admin secret in any answer', async () => {
  const path = await tenantWith('berlin');
  const id = path.split('/').at(-1) ?? '';
  const made = [
    await ask('POST', `${path}/keys`, { role: 'api' }),
    await ask('POST', `${path}/keys`, { role: 'adapter', site: 'berlin' }),
  ];
  made.push(await ask('POST', `${path}/keys/${made[0]?.body['id']}/rotate`, { grace: 60 }));
  await ask('DELETE', `${path}/keys/${made[1]?.body['id']}`);
  const texts = made.map(({ body }) => String(body['key']));
  const secrets = await Promise.all(texts.map(async (text) => (await readKey(text, env))?.secret ?? ''));
  const stored = [
    await everything(env.TENANT.get(env.TENANT.idFromName(id))),
    await everything(env.DIRECTORY.get(env.DIRECTORY.idFromName('directory'))),
    await everything(env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(`${id}/berlin`))),
    ...(
      await Promise.all(['', '/sites', '/keys', '/audit'].map((below) => ask('GET', `${path}${below}`)))
    ).map((answer) => JSON.stringify(answer)),
  ].join('\n');
  // It looks where it should: what may stand there does.
  expect(stored).toContain(await hashSecret(secrets[0] ?? ''));
  expect(stored).toContain('key.rotate');
  for (const secret of [...texts, ...secrets, env.ADMIN_SECRET ?? '', env.KEY_SECRETS ?? '']) {
    expect(secret.length).toBeGreaterThan(16);
    expect(stored).not.toContain(secret);
  }
});

/** Every row of every table, as text. */
function everything(stub: DurableObjectStub): Promise<string> {
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
