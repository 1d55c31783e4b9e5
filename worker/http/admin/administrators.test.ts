/** Administrators: what each role may do, that keys are shown once and never stored, and that the audit trail names who acted. */

import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { ADMIN_ROLES, type AdminRole, includesRole } from '../../../shared/policy/admin-roles.ts';
import { parseKey } from '../../auth/key-text.ts';
import { adminOperations } from '../../reference/admin-operations.ts';

interface AdminResponse {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function request(
  credential: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<AdminResponse> {
  const response = await exports.default.fetch(
    new Request(`http://localhost/v1/admin${path}`, {
      method,
      headers: { 'CF-Connecting-IP': '192.0.2.9', Authorization: `Bearer ${credential}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  return { status: response.status, body: await response.json() };
}

const SECRET = env.ADMIN_SECRET;
const keys: Partial<Record<AdminRole, string>> = {};

async function createAdministrator(name: string, role: AdminRole): Promise<string> {
  const { status, body } = await request(SECRET, 'POST', '/administrators', { name, role });
  expect([status, body]).toMatchObject([201, { name, role, revoked_at: null, last_used: null }]);
  return String(body['key']);
}

beforeAll(async () => {
  for (const role of ADMIN_ROLES) keys[role] = await createAdministrator(`by-${role}`, role);
  expect(await request(SECRET, 'POST', '/tenants', { id: 'roles' })).toMatchObject({ status: 201 });
  expect(await request(SECRET, 'POST', '/tenants/roles/sites', { id: 'berlin' })).toMatchObject({
    status: 201,
  });
});

/** The role that each operation needs, written down a second time: a new route needs `all` until it is decided otherwise. */
const OPERATED: readonly string[] = [
  'createKey',
  'revokeKey',
  'rotateKey',
  'createWebhook',
  'changeWebhook',
  'deleteWebhook',
  'rotateWebhook',
  'testWebhook',
  'replayDelivery',
];

const OPERATIONS = Object.entries(adminOperations).map(([name, { method, path }]) => {
  const needed: AdminRole = method === 'GET' ? 'read' : OPERATED.includes(name) ? 'operate' : 'all';
  return [name, method, path.replace('/v1/admin', '').replace(/\{\w+\}/g, '0'), needed] as const;
});

it.each(OPERATIONS)('%s: %s %s needs the role %s', async (_, method, path, needed) => {
  for (const role of ADMIN_ROLES) {
    // Ids that do not exist: what gets past the role changes nothing.
    const { status, body } = await request(keys[role], method, path, method === 'GET' ? undefined : { x: 1 });
    if (includesRole(role, needed)) expect([200, 400, 404]).toContain(status);
    else
      expect([status, body['detail']]).toEqual([
        403,
        `${method} ${path} needs the role "${needed}", and the administrator "by-${role}" has the role "${role}". Ask an administrator with that role.`,
      ]);
  }
});

it('records who acted with which role, and what was refused', async () => {
  const created = await request(keys.operate, 'POST', '/tenants/roles/keys', { role: 'api' });
  expect(created.status).toBe(201);
  const { entries } = (await request(keys.read, 'GET', '/tenants/roles/audit?limit=2')).body;
  expect(entries).toMatchObject([
    { actor: 'admin:by-operate', role: 'operate', from: '192.0.2.9', action: 'key.create', outcome: 'ok' },
    { actor: 'admin', role: 'all', action: 'site.create' },
  ]);
  await request(keys.operate, 'PATCH', '/tenants/roles', { limits: { starts_per_second: 1 } });
  await request(keys.read, 'DELETE', '/tenants/roles/keys/k');
  expect((await request(keys.all, 'GET', '/audit?limit=2')).body['entries']).toMatchObject([
    {
      actor: 'admin:by-read',
      role: 'read',
      action: 'admin.refused',
      target: 'DELETE /tenants/roles/keys/k',
      outcome: 'needs the role operate',
    },
    { actor: 'admin:by-operate', action: 'admin.refused', target: 'PATCH /tenants/roles' },
  ]);
});

it('rotates and revokes a key at once, or after the grace period', async () => {
  const first = await createAdministrator('rotated', 'read');
  const list = (key: string) => request(key, 'GET', '/tenants');
  expect((await list(first)).status).toBe(200);
  const rotated = await request(SECRET, 'POST', '/administrators/rotated/rotate', { grace: 3_600 });
  expect(rotated).toMatchObject({ status: 201, body: { name: 'rotated', role: 'read' } });
  const second = String(rotated.body['key']);
  expect([(await list(first)).status, (await list(second)).status]).toEqual([200, 200]);
  const third = String((await request(SECRET, 'POST', '/administrators/rotated/rotate')).body['key']);
  expect([(await list(second)).status, (await list(third)).status]).toEqual([401, 200]);
  expect(await request(SECRET, 'DELETE', '/administrators/rotated')).toMatchObject({ status: 200 });
  for (const key of [first, second, third]) expect((await list(key)).status).toBe(401);
  for (const [method, path] of [
    ['DELETE', '/administrators/rotated'],
    ['POST', '/administrators/rotated/rotate'],
    ['DELETE', '/administrators/nobody'],
    ['POST', '/administrators/No%20name/rotate'],
  ] as const)
    expect(await request(SECRET, method, path)).toMatchObject({ status: 404 });
});

it('has one administrator of a name at a time', async () => {
  await createAdministrator('unique', 'read');
  const again = { name: 'unique', role: 'all' };
  expect(await request(SECRET, 'POST', '/administrators', again)).toMatchObject({ status: 409 });
  await request(SECRET, 'DELETE', '/administrators/unique');
  expect(await request(SECRET, 'POST', '/administrators', again)).toMatchObject({ status: 201 });
});

it.each([
  [{}, 'name'],
  [{ name: 'alice' }, 'role'],
  [{ name: 'Alice', role: 'read' }, 'name'],
  [{ name: 'alice', role: 'root' }, 'role'],
  [{ name: 'alice', role: 'read', key: 'x' }, 'key'],
])('rejects %j, and says which member is wrong', async (body, member) => {
  const { status, body: problem } = await request(SECRET, 'POST', '/administrators', body);
  expect([status, String(problem['detail'])]).toEqual([400, expect.stringContaining(member)]);
});

it('shows a key once and stores only the hash of its secret', async () => {
  const key = await createAdministrator('hidden', 'all');
  const secret = (await parseKey(key, env))?.secret ?? '';
  expect(secret.length).toBeGreaterThan(16);
  const directory = env.DIRECTORY.get(env.DIRECTORY.idFromName('directory'));
  const stored = await runInDurableObject(directory, (_, { storage: { sql } }) =>
    JSON.stringify(['administrators', 'audit'].map((table) => sql.exec(`SELECT * FROM ${table}`).toArray())),
  );
  const { body } = await request(SECRET, 'GET', '/administrators');
  const shown = JSON.stringify(body);
  expect(shown).toContain('"hidden"');
  for (const text of [stored, shown]) expect(text).not.toContain(secret);
});
