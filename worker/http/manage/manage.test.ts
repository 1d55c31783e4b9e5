/** Tenants manage themselves within their bounds: scopes, isolation of tenants, bounds, and what the audit trail says. */
import { env, exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { manageOperations } from '../../reference/manage-operations.ts';

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function request(credential: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await exports.default.fetch(
    new Request(`http://localhost/v1${path}`, {
      method,
      headers: { 'CF-Connecting-IP': '192.0.2.8', Authorization: `Bearer ${credential}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  return { status: response.status, body: await response.json() };
}

const asAdmin = (method: string, path: string, body?: unknown) =>
  request(env.ADMIN_SECRET ?? '', method, `/admin${path}`, body);

let tenantCount = 0;

/** Creates a tenant with a site and a key that may manage it. */
async function createTenant(settings: object = {}) {
  const id = `own-${++tenantCount}`;
  expect(await asAdmin('POST', '/tenants', { id, ...settings })).toMatchObject({ status: 201 });
  await asAdmin('POST', `/tenants/${id}/sites`, { id: 'berlin' });
  const createKey = async (key: object) =>
    (await asAdmin('POST', `/tenants/${id}/keys`, key)).body as { readonly id: string; readonly key: string };
  const manager = await createKey({ role: 'api', scopes: ['manage'] });
  const manage = (method: string, path: string, body?: unknown) =>
    request(manager.key, method, `/manage${path}`, body);
  return { id, manager, createKey, manage };
}

const OPERATIONS = Object.values(manageOperations).map(
  ({ method, path }) => [method, path.replace('/v1', '').replace(/\{\w+\}/g, '0')] as const,
);

it.each(OPERATIONS)('%s %s needs an API key of all sites with the scope manage', async (method, path) => {
  const { createKey, manager } = await createTenant();
  const token = await request((await createKey({ role: 'api' })).key, 'POST', '/tokens', {
    subject: 'ann',
    site: 'berlin',
  });
  const denials = [
    [401, 'Missing, invalid', env.ADMIN_SECRET ?? ''],
    [401, 'Missing, invalid', `${manager.key}x`],
    [401, 'Missing, invalid', String(token.body['token'])],
    [401, 'Missing, invalid', (await createKey({ role: 'adapter', site: 'berlin' })).key],
    [403, 'lacks the scope manage', (await createKey({ role: 'api' })).key],
    [403, 'is for one site', (await createKey({ role: 'api', site: 'berlin', scopes: ['manage'] })).key],
  ] as const;
  for (const [status, detail, credential] of denials) {
    const answer = await request(credential, method, path, method === 'GET' ? undefined : {});
    expect([answer.status, answer.body['detail']]).toEqual([status, expect.stringContaining(detail)]);
  }
  await asAdmin('DELETE', `/tenants/own-${tenantCount}/keys/${manager.id}`);
  expect((await request(manager.key, method, path)).status).toBe(401);
});

it('has a scope that no key and no token has unless it is asked for', async () => {
  const { createKey, id } = await createTenant();
  const { key } = await createKey({ role: 'api' });
  const { body } = await asAdmin('GET', `/tenants/${id}/keys`);
  const scopes = (body['keys'] as readonly { readonly scopes: readonly string[] }[]).map(
    (view) => view.scopes,
  );
  expect(scopes.filter((list) => list.includes('manage'))).toEqual([['manage']]);
  const withAll = await createKey({ role: 'api', scopes: ['manage', 'tokens', 'read'] });
  for (const credential of [key, withAll.key]) {
    const issued = await request(credential, 'POST', '/tokens', { subject: 'ann', site: 'berlin' });
    expect(issued.body['scopes']).not.toContain('manage');
    const asked = { subject: 'ann', site: 'berlin', scopes: ['manage'] };
    expect((await request(credential, 'POST', '/tokens', asked)).status).toBe(400);
  }
});

it('sets rules and origins in addition to those of the administrator, whose rules stay in force', async () => {
  const { id, manage } = await createTenant({
    rules: { deny: ['+1900*@*'] },
    origins: ['https://app.example'],
  });
  const changed = await manage('PATCH', '', {
    rules: { allow: ['*'], deny: ['*@evil'] },
    origins: ['https://own.example'],
  });
  const own = { rules: { allow: ['*'], deny: ['*@evil'] }, origins: ['https://own.example'] };
  const fixed = { rules: { allow: [], deny: ['+1900*@*'] }, origins: ['https://app.example'] };
  expect(changed).toMatchObject({ status: 200, body: { tenant: id, ...own, fixed, untold: [] } });
  expect((await manage('GET', '')).body).toMatchObject({ ...own, fixed });
  expect((await asAdmin('GET', `/tenants/${id}`)).body).toMatchObject({ ...fixed, own });
  const tenant = env.TENANT.get(env.TENANT.idFromName(id));
  const { body } = await manage('POST', '/keys', { role: 'api' });
  const granted = await tenant.authorize({ key: String(body['id']), site: 'berlin' });
  expect(granted).toMatchObject({
    policy: { rules: [fixed.rules, own.rules, { allow: [], deny: [] }] },
    origins: ['https://app.example', 'https://own.example'],
  });
  // Bounds that are set later hold for what was added before.
  await asAdmin('PATCH', `/tenants/${id}`, { bounds: { origins: [] } });
  const bounded = await tenant.authorize({ key: String(body['id']), site: 'berlin' });
  expect(bounded).toMatchObject({ origins: ['https://app.example'] });
});

describe('the bounds of a tenant', () => {
  const bounds = {
    max_keys: 3,
    scopes: ['read', 'CallStart'],
    webhook_hosts: ['hooks.acme.example', '*.acme.example'],
    origins: ['https://*.acme.example'],
  };

  it.each<[string, string, object, number, string]>([
    ['POST', '/keys', { role: 'api', scopes: ['read'] }, 201, ''],
    ['POST', '/keys', { role: 'api', scopes: ['read', 'tokens'] }, 403, 'may not have tokens'],
    ['POST', '/keys', { role: 'api', scopes: ['manage'] }, 403, 'may not have manage'],
    ['POST', '/keys', { role: 'api' }, 403, 'scopes'],
    ['POST', '/keys', { role: 'adapter', site: 'berlin' }, 400, 'role'],
    ['PATCH', '', { origins: ['https://app.acme.example'] }, 200, ''],
    ['PATCH', '', { origins: ['https://acme.example'] }, 403, 'https://acme.example'],
    ['PATCH', '', { origins: ['https://app.acme.example', '*'] }, 403, '"*"'],
    ['PATCH', '', { origins: ['http://app.acme.example'] }, 403, 'origins'],
    ['PATCH', '', { limits: { starts_per_second: 100 } }, 400, 'limits'],
    ['PATCH', '', { bounds: { max_keys: 100 } }, 400, 'bounds'],
    ['PATCH', '', {}, 400, 'changes nothing'],
    ['PATCH', '', { rules: { deny: Array(101).fill('*@evil') } }, 400, '100'],
    ['POST', '/sites/berlin/webhooks', { url: 'https://hooks.acme.example/x' }, 201, ''],
    ['POST', '/sites/berlin/webhooks', { url: 'https://a.b.acme.example' }, 201, ''],
    [
      'POST',
      '/sites/berlin/webhooks',
      { url: 'https://acme.example.evil.example' },
      403,
      'hooks.acme.example',
    ],
    ['POST', '/sites/berlin/webhooks', { url: 'https://evil-acme.example' }, 403, 'url'],
    ['POST', '/sites/none/webhooks', { url: 'https://hooks.acme.example/x' }, 404, 'site'],
  ])('%s %s with %j is answered %i', async (method, path, body, status, detail) => {
    const { id, manage } = await createTenant({ bounds });
    const answer = await manage(method, path, body);
    expect([answer.status, String(answer.body['detail'])]).toEqual([status, expect.stringContaining(detail)]);
    const { entries } = (await asAdmin('GET', `/tenants/${id}/audit?limit=1`)).body;
    if (status === 403)
      expect(entries).toMatchObject([
        { actor: expect.stringMatching(/^key:/), outcome: answer.body['detail'] },
      ]);
  });

  it('keep a tenant from what an administrator sends elsewhere: it may see that webhook, and not change it or read its secret', async () => {
    const { id, manage } = await createTenant({ bounds });
    const path = `/tenants/${id}/sites/berlin/webhooks`;
    const { body } = await asAdmin('POST', path, { url: 'https://billing.example' });
    const webhook = `/sites/berlin/webhooks/${body['id']}`;
    expect((await manage('GET', webhook)).status).toBe(200);
    for (const [method, more, change] of [
      ['PATCH', '', { description: 'ours' }],
      ['PATCH', '', { url: 'https://hooks.acme.example' }],
      ['DELETE', '', undefined],
      ['POST', '/rotate', {}],
      ['POST', '/test', {}],
      ['POST', '/deliveries/1/replay', {}],
    ] as const) {
      const answer = await manage(method, webhook + more, change);
      expect([answer.status, answer.body['detail']]).toEqual([403, expect.stringContaining('billing')]);
      const { entries } = (await asAdmin('GET', `/tenants/${id}/audit?limit=1`)).body;
      expect(entries).toMatchObject([{ outcome: answer.body['detail'] }]);
    }
    expect((await asAdmin('DELETE', `${path}/${body['id']}`)).status).toBe(200);
  });

  it('hold for changed webhooks and rotated keys, and count only keys that are valid', async () => {
    const { manage, createKey } = await createTenant({ bounds });
    const { body } = await manage('POST', '/sites/berlin/webhooks', { url: 'https://hooks.acme.example' });
    const webhook = `/sites/berlin/webhooks/${body['id']}`;
    expect((await manage('PATCH', webhook, { url: 'https://evil.example' })).status).toBe(403);
    expect((await manage('PATCH', webhook, { description: 'ours' })).status).toBe(200);
    expect((await manage('DELETE', webhook)).status).toBe(200);

    const strong = await createKey({ role: 'api' });
    const adapter = await createKey({ role: 'adapter', site: 'berlin' });
    expect((await manage('POST', `/keys/${strong.id}/rotate`)).status).toBe(403);
    expect((await manage('POST', `/keys/${adapter.id}/rotate`)).status).toBe(403);
    expect((await manage('DELETE', `/keys/${adapter.id}`)).status).toBe(403);
    // The manager, the strong key and this one are three.
    const weak = await manage('POST', '/keys', { role: 'api', scopes: ['read'] });
    expect(weak.status).toBe(201);
    expect((await manage('POST', '/keys', { role: 'api', scopes: ['read'] })).status).toBe(403);
    expect((await manage('POST', `/keys/${weak.body['id']}/rotate`)).status).toBe(201);
    expect((await manage('DELETE', `/keys/${strong.id}`)).status).toBe(200);
    expect((await manage('POST', '/keys', { role: 'api', scopes: ['read'] })).status).toBe(201);
  });

  it.each([
    [{ max_keys: -1 }, 'max_keys'],
    [{ scopes: ['root'] }, 'scopes'],
    [{ webhook_hosts: ['https://x'] }, 'webhook_hosts'],
    [{ origins: ['x'] }, 'origins'],
    [{ unknown: 1 }, 'unknown'],
  ])('are rejected if they are %j', async (wrong, member) => {
    const answer = await asAdmin('POST', '/tenants', { id: 'wrong-bounds', bounds: wrong });
    expect([answer.status, String(answer.body['detail'])]).toEqual([400, expect.stringContaining(member)]);
  });

  it('are reset one by one with null', async () => {
    const { id } = await createTenant({ bounds });
    const { body } = await asAdmin('PATCH', `/tenants/${id}`, { bounds: { max_keys: null } });
    expect(body['bounds']).toEqual({ ...bounds, max_keys: 20 });
  });
});

it('sees and changes nothing of another tenant: what belongs to it is answered like what does not exist', async () => {
  const mine = await createTenant();
  const other = await createTenant();
  const key = await other.createKey({ role: 'api' });
  const { body: webhook } = await other.manage('POST', '/sites/berlin/webhooks', {
    url: 'https://x.example',
  });
  await asAdmin('POST', `/tenants/${other.id}/sites`, { id: 'paris' });
  const seen = JSON.stringify(
    await Promise.all(
      ['', '/keys', '/sites', '/sites/berlin/webhooks', '/audit'].map((path) => mine.manage('GET', path)),
    ),
  );
  for (const text of [other.id, key.id, other.manager.id, String(webhook['id']), 'paris'])
    expect(seen).not.toContain(text);
  const comparisons = [
    ['DELETE', `/keys/${key.id}`, '/keys/0000000000000000'],
    ['POST', `/keys/${key.id}/rotate`, '/keys/0000000000000000/rotate'],
    ['GET', `/sites/berlin/webhooks/${webhook['id']}`, '/sites/berlin/webhooks/none'],
    ['PATCH', `/sites/berlin/webhooks/${webhook['id']}`, '/sites/berlin/webhooks/none'],
    ['DELETE', `/sites/berlin/webhooks/${webhook['id']}`, '/sites/berlin/webhooks/none'],
    ['POST', `/sites/berlin/webhooks/${webhook['id']}/test`, '/sites/berlin/webhooks/none/test'],
    ['GET', `/sites/berlin/webhooks/${webhook['id']}/deliveries`, '/sites/berlin/webhooks/none/deliveries'],
    ['GET', '/sites/paris/webhooks', '/sites/nowhere/webhooks'],
  ] as const;
  for (const [method, theirs, nobodys] of comparisons) {
    const body = method === 'PATCH' ? { description: 'x' } : undefined;
    const normalize = ({ status, body: { detail } }: Answer) => [
      status,
      String(detail).replace(/"[^"]*"/, ''),
    ];
    expect(normalize(await mine.manage(method, theirs, body))).toEqual(
      normalize(await mine.manage(method, nobodys, body)),
    );
  }
  expect((await other.manage('GET', `/sites/berlin/webhooks/${webhook['id']}`)).status).toBe(200);
});

it('records who changed what, and shows the tenant only what its own keys did', async () => {
  const { id, manager, manage } = await createTenant();
  await manage('PATCH', '', { origins: ['https://own.example'] });
  const { body: key } = await manage('POST', '/keys', { role: 'api', scopes: ['read'] });
  await manage('POST', '/sites/berlin/webhooks', { url: 'https://x.example' });
  const actor = { actor: `key:${manager.id}`, role: null, from: '192.0.2.8', outcome: 'ok' };
  const mine = [
    { ...actor, action: 'webhook.create' },
    { ...actor, action: 'key.create', target: key['id'] },
    { ...actor, action: 'tenant.manage', target: 'origins' },
  ];
  const trail = (await asAdmin('GET', `/tenants/${id}/audit?limit=3`)).body['entries'];
  expect(trail).toMatchObject(mine);
  const { entries } = (await manage('GET', '/audit')).body;
  expect(entries).toMatchObject(mine);
  expect(entries).toHaveLength(mine.length);
});
