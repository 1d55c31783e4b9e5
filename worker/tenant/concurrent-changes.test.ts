/** The list of tenants and the tenants agree, whatever is created and deleted at the same time. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { advanceClock } from '../testing/clock.ts';
import { Interleavings, type Step } from '../testing/interleavings.ts';
import { Webhooks } from '../webhooks/webhooks.ts';
import { Directory } from './directory.ts';
import { Tenant } from './tenant.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const AUTHORIZATION = { Authorization: `Bearer ${env.ADMIN_SECRET}` };

async function admin(method: string, path: string, body?: object): Promise<{ status: number; body: Body }> {
  const response = await exports.default.fetch(
    new Request(`http://localhost/v1/admin${path}`, {
      method,
      headers: AUTHORIZATION,
      ...(body ? { body: JSON.stringify(body) } : {}),
    }),
  );
  return { status: response.status, body: (await response.json()) as Body };
}

interface Body {
  readonly tenants?: readonly { readonly id: string }[];
  readonly id?: string;
}

/** What an operation does at other objects: between two of these steps, those of another one can happen. */
const STEPS: readonly Step[] = [
  { prototype: Directory.prototype, method: 'has' },
  { prototype: Directory.prototype, method: 'record' },
  { prototype: Tenant.prototype, method: 'create' },
  { prototype: Tenant.prototype, method: 'delete' },
];

const OPERATIONS = {
  create: (id: string) => admin('POST', '/tenants', { id }),
  delete: (id: string) => admin('DELETE', `/tenants/${id}`),
} as const;
type Operation = keyof typeof OPERATIONS;

let tenantCount = 0;
const tenantOf = (id: string) => env.TENANT.get(env.TENANT.idFromName(id));

/** Checks that the tenant is listed if it exists, and that only then a key of it works and can be revoked. */
async function expectAgreement(id: string): Promise<void> {
  const exists = (await tenantOf(id).show()) !== undefined;
  const { tenants = [] } = (await admin('GET', '/tenants?after=concurrent')).body;
  expect(tenants.some((tenant) => tenant.id === id)).toBe(exists);
  const created = await admin('POST', `/tenants/${id}/keys`, { role: 'api', scopes: ['read'] });
  expect(created.status).toBe(exists ? 201 : 404);
  if (!exists) return;
  const { id: key = '' } = created.body;
  expect(await tenantOf(id).authorize({ key })).toMatchObject({ ok: true });
  expect((await admin('DELETE', `/tenants/${id}/keys/${key}`)).status).toBe(200);
  expect(await tenantOf(id).authorize({ key })).toEqual({ ok: false });
}

it.each<{ exists: boolean; operations: readonly Operation[]; orders: number }>([
  { exists: false, operations: ['create', 'create'], orders: 6 },
  // A tenant that is not listed yet is not found, so its deletion has one step.
  { exists: false, operations: ['create', 'delete'], orders: 3 },
  { exists: true, operations: ['create', 'delete'], orders: 10 },
  { exists: true, operations: ['delete', 'delete'], orders: 10 },
  { exists: false, operations: ['create', 'create', 'delete'], orders: 50 },
])('in every order of the steps: exists: $exists, $operations', async ({ exists, operations, orders }) => {
  const interleavings = new Interleavings(STEPS);
  const count = await interleavings.runAll(async (together) => {
    const id = `concurrent-${++tenantCount}`;
    if (exists) expect((await OPERATIONS.create(id)).status).toBe(201);
    await together(operations.map((operation) => () => OPERATIONS[operation](id)));
    await expectAgreement(id);
  });
  expect(count).toBeGreaterThanOrEqual(orders);
});

it('leaves no webhook and no valid key of a site that is deleted while they are created', async () => {
  const interleavings = new Interleavings([
    { prototype: Tenant.prototype, method: 'listSites' },
    { prototype: Tenant.prototype, method: 'deleteSite' },
    { prototype: Tenant.prototype, method: 'createKey' },
    { prototype: Webhooks.prototype, method: 'create' },
    { prototype: Webhooks.prototype, method: 'erase' },
  ]);
  const count = await interleavings.runAll(async (together) => {
    const id = `concurrent-${++tenantCount}`;
    const path = `/tenants/${id}`;
    await OPERATIONS.create(id);
    await admin('POST', `${path}/sites`, { id: 'main' });
    const webhook = { url: 'https://hooks.test/' };
    const key = { role: 'api', site: 'main', scopes: ['read'] };
    await together([
      () => admin('DELETE', `${path}/sites/main`),
      () => admin('POST', `${path}/sites/main/webhooks`, webhook),
      () => admin('POST', `${path}/keys`, key),
    ]);
    expect(await env.WEBHOOKS.get(env.WEBHOOKS.idFromName(`${id}/main`)).list()).toEqual([]);
    for (const { id: keyId } of await tenantOf(id).listKeys())
      expect(await tenantOf(id).authorize({ key: keyId })).toEqual({ ok: false });
  });
  expect(count).toBeGreaterThanOrEqual(40);
});

it('lists a tenant as soon as the directory can be reached, and deletes it from the list in the same way', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const record = vi.spyOn(Directory.prototype, 'record');
  const failOnce = () =>
    record.mockImplementationOnce(() => {
      throw new Error('the object is overloaded');
    });
  const id = `concurrent-${++tenantCount}`;
  const isListed = async () => (await admin('GET', `/tenants/${id}`)).status === 200;
  for (const operation of ['create', 'delete'] as const) {
    failOnce();
    // A site that is not reached is reported, but the list is none.
    const response = await OPERATIONS[operation](id);
    expect(response.body).toMatchObject({ untold: [] });
    advanceClock(1_001);
    await runDurableObjectAlarm(tenantOf(id));
    expect(await isListed()).toBe(operation === 'create');
  }
  expect(warned).toHaveBeenCalledTimes(2);
});

it('creates a tenant again after it was deleted, and lists it', async () => {
  const id = `concurrent-${++tenantCount}`;
  for (const operation of ['create', 'create', 'delete', 'delete', 'create'] as const) {
    await OPERATIONS[operation](id);
    await expectAgreement(id);
  }
  expect((await admin('GET', `/tenants/${id}`)).status).toBe(200);
});
