/** A tenant authorizes its keys, and its sites are updated, also when they cannot be reached at first. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Policy, SCOPES } from '../../shared/policy/policy.ts';
import type { Outcome } from '../objects/outcome.ts';
import { CONNECTION_HEADER, Switchboard } from '../switchboard/switchboard.ts';
import { acceptSocket } from '../testing/sockets.ts';
import { REPEAT_AFTER_MS } from './outbox.ts';
import type { NewKey, Tenant } from './tenant.ts';

const ADMIN = { actor: 'admin', role: 'all', address: '192.0.2.1' } as const;
/** Ahead of the platform's clock, so that it fires no alarm by itself. */
const START = Date.UTC(2040, 0, 1);

/** Advances the clock of the code under test. The platform's own clock, which fires alarms, is not affected. */
function advance(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

let tenantCount = 0;
interface TestTenant {
  readonly id: string;
  readonly tenant: DurableObjectStub<Tenant>;
}

/** Creates a tenant with the given sites. */
async function createTenant(...sites: string[]): Promise<TestTenant> {
  const id = `tenant-${++tenantCount}`;
  const tenant = env.TENANT.get(env.TENANT.idFromName(id));
  value(await tenant.create(id, {}, ADMIN));
  for (const site of sites) value(await tenant.createSite(site, {}, ADMIN));
  return { id, tenant };
}

function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.value;
}

const HASH = 'a'.repeat(64);
const key = (id: string, fields: Partial<NewKey> = {}): NewKey => ({
  id,
  hash: HASH,
  role: 'api',
  site: null,
  scopes: SCOPES,
  ...fields,
});
const adapterKey = (id: string, site: string) => key(id, { role: 'adapter', site, scopes: [] });

const switchboardOf = ({ id }: TestTenant, site: string) =>
  env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(`${id}/${site}`));

/** Mocks all switchboards from now on. The first `failures` updates fail. */
function mockSwitchboards({ failures = 0 } = {}) {
  const updates: string[] = [];
  const record = (update: string) => {
    if (failures-- > 0) throw new Error('unreachable');
    updates.push(update);
  };
  vi.spyOn(Switchboard.prototype, 'applyPolicy').mockImplementation((policy: Policy) =>
    record(`policy ${policy.limits.standing_calls} ${JSON.stringify(policy.rules)}`),
  );
  vi.spyOn(Switchboard.prototype, 'revokeKey').mockImplementation((id: string) => record(`revoke ${id}`));
  vi.spyOn(Switchboard.prototype, 'erase').mockImplementation(async () => record('erase'));
  const failNext = (count: number) => {
    failures = count;
  };
  return { takeUpdates: () => updates.splice(0), failNext };
}

/** Opens a client's socket at a site with a key. */
async function openSocketAt(testTenant: TestTenant, site: string, id: string) {
  const decision = await testTenant.tenant.authorize({ key: id, site });
  if (!decision.ok) throw new Error('access denied');
  const { policy, scopes } = decision;
  const principal = {
    role: 'client',
    subject: `key:${id}`,
    session: crypto.randomUUID(),
    key: id,
    scopes,
    policy,
  };
  const headers = { Upgrade: 'websocket', [CONNECTION_HEADER]: JSON.stringify(principal) };
  return acceptSocket(await switchboardOf(testTenant, site).fetch('https://switchboard/', { headers }));
}

it('authorizes a key for its site, with the policy of that site', async () => {
  const { tenant } = await createTenant('berlin', 'tokyo');
  await tenant.update(
    { rules: { deny: ['+1900*@*'] }, origins: ['https://a.example'], limits: { standing_calls: 11 } },
    ADMIN,
  );
  await tenant.updateSite('berlin', { location: 'weur', rules: { allow: ['*@b'] } }, ADMIN);
  value(await tenant.createKey(key('any', { scopes: ['CallStart'] }), ADMIN));
  value(await tenant.createKey(adapterKey('berlin-only', 'berlin'), ADMIN));

  const limits = expect.objectContaining({ standing_calls: 5 });
  const rules = [
    { allow: [], deny: ['+1900*@*'] },
    { allow: ['*@b'], deny: [] },
  ];
  expect(await tenant.authorize({ key: 'any', secretHash: HASH, site: 'berlin' })).toEqual({
    ok: true,
    role: 'api',
    scopes: ['CallStart'],
    site: null,
    origins: ['https://a.example'],
    locationHint: 'weur',
    policy: { version: expect.any(Number), limits, rules, kept_seconds: 3600 },
  });
  expect(await tenant.authorize({ key: 'berlin-only', secretHash: HASH })).toMatchObject({
    ok: true,
    role: 'adapter',
    scopes: [],
    site: 'berlin',
    policy: { limits, rules },
  });
  // A token needs no secret of the key: its signature has been verified.
  expect(await tenant.authorize({ key: 'any', site: 'tokyo' })).toMatchObject({ ok: true });
  expect(await tenant.authorize({ key: 'any', secretHash: HASH })).toMatchObject({
    ok: true,
    site: null,
    policy: { limits: expect.objectContaining({ standing_calls: 11 }) },
  });
});

it('denies access without a reason', async () => {
  const { tenant } = await createTenant('berlin', 'tokyo');
  value(await tenant.createKey(key('good'), ADMIN));
  value(await tenant.createKey(key('revoked'), ADMIN));
  value(await tenant.createKey(adapterKey('berlin-only', 'berlin'), ADMIN));
  value(await tenant.revokeKey('revoked', ADMIN));
  const nowhere = env.TENANT.get(env.TENANT.idFromName('nowhere'));
  const decisions = [
    await tenant.authorize({ key: 'unknown', secretHash: HASH, site: 'berlin' }),
    await tenant.authorize({ key: 'good', secretHash: 'b'.repeat(64), site: 'berlin' }),
    await tenant.authorize({ key: 'good', secretHash: '', site: 'berlin' }),
    await tenant.authorize({ key: 'good', secretHash: HASH, site: 'nowhere' }),
    await tenant.authorize({ key: 'revoked', secretHash: HASH, site: 'berlin' }),
    await tenant.authorize({ key: 'revoked', site: 'berlin' }),
    await tenant.authorize({ key: 'berlin-only', secretHash: HASH, site: 'tokyo' }),
    await nowhere.authorize({ key: 'good', secretHash: HASH, site: 'berlin' }),
  ];
  for (const decision of decisions) expect(decision).toEqual({ ok: false });
});

it('stores nothing but its tables before it is created', async () => {
  const missing = env.TENANT.get(env.TENANT.idFromName('missing'));
  expect(await missing.createSite('berlin', {}, ADMIN)).toMatchObject({ ok: false, status: 404 });
  const minted = { ...ADMIN, action: 'token.mint', target: 't', outcome: 'ok' };
  expect(await missing.recordKeyAction({ key: 'k' }, minted)).toBe(false);
  expect(await missing.listAudit(10)).toEqual([]);
  expect(await runInDurableObject(missing, (_, { storage }) => storage.getAlarm())).toBeNull();
});

it('records the last use once a minute', async () => {
  const { tenant } = await createTenant('berlin');
  value(await tenant.createKey(key('k'), ADMIN));
  const lastUsed = async () => (await tenant.listKeys())[0]?.last_used;
  expect(await lastUsed()).toBeNull();
  for (const [ms, expected] of [
    [0, START],
    [59_999, START],
    [1, START + 60_000],
  ] as const) {
    advance(ms);
    await tenant.authorize({ key: 'k', secretHash: HASH, site: 'berlin' });
    expect(await lastUsed()).toBe(new Date(expected).toISOString());
  }
});

it('updates every site after a change, and reduces the shares of the others for a new site', async () => {
  const { tenant } = await createTenant('berlin');
  const { takeUpdates } = mockSwitchboards();
  value(await tenant.update({ limits: { standing_calls: 90 } }, ADMIN));
  expect(takeUpdates()).toEqual(['policy 90 [{"allow":[],"deny":[]},{"allow":[],"deny":[]}]']);
  value(await tenant.createSite('tokyo', {}, ADMIN));
  expect(takeUpdates()).toEqual([expect.stringMatching(/^policy 45 /)]);
  value(await tenant.updateSite('tokyo', { rules: { deny: ['x@*'] } }, ADMIN));
  expect(takeUpdates()).toEqual([expect.stringMatching(/^policy 45 .*"x@\*"/)]);
  value(await tenant.update({ limits: { standing_calls: null } }, ADMIN));
  expect(takeUpdates()).toEqual(Array(2).fill(expect.stringMatching(/^policy 5000 /)));
  value(await tenant.deleteSite('tokyo', ADMIN));
  expect(takeUpdates().sort()).toEqual(['erase', expect.stringMatching(/^policy 10000 /)]);
});

it('raises the version with each change, also after a deletion', async () => {
  const { id, tenant } = await createTenant('berlin');
  value(await tenant.createKey(key('k'), ADMIN));
  const version = async () => (await tenant.show())?.version ?? 0;
  const versions = [await version()];
  const recordVersionAfter = async (change: Promise<Outcome<unknown>>) => {
    value(await change);
    versions.push(await version());
  };
  await recordVersionAfter(tenant.update({ kept_seconds: 60 }, ADMIN));
  await recordVersionAfter(tenant.updateSite('berlin', { rules: { deny: ['a@*'] } }, ADMIN));
  await recordVersionAfter(tenant.createSite('tokyo', {}, ADMIN));
  await recordVersionAfter(tenant.deleteSite('berlin', ADMIN));
  await recordVersionAfter(tenant.deleteSite('tokyo', ADMIN));
  value(await tenant.delete(ADMIN));
  advance(REPEAT_AFTER_MS);
  await runDurableObjectAlarm(tenant);
  await recordVersionAfter(tenant.create(id, {}, ADMIN));
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
});

it('changes only the limits and rules that are given', async () => {
  const { tenant } = await createTenant();
  await tenant.update({ limits: { standing_calls: 5, messages_per_second: 7 }, kept_seconds: 90 }, ADMIN);
  await tenant.update({ limits: { standing_calls: 6, messages_per_second: undefined } }, ADMIN);
  await tenant.update({ rules: { deny: ['a@*'] } }, ADMIN);
  await tenant.update({ rules: { allow: ['b@*'] } }, ADMIN);
  expect(await tenant.show()).toMatchObject({
    limits: { standing_calls: 6, messages_per_second: 7, commands_in_flight: 1_000 },
    rules: { allow: ['b@*'], deny: ['a@*'] },
    kept_seconds: 90,
  });
});

it('closes the sockets of a revoked key at every site, and no others', async () => {
  const testTenant = await createTenant('berlin', 'tokyo');
  value(await testTenant.tenant.createKey(key('bad'), ADMIN));
  value(await testTenant.tenant.createKey(key('good'), ADMIN));
  const badSockets = await Promise.all(
    ['berlin', 'tokyo'].map((site) => openSocketAt(testTenant, site, 'bad')),
  );
  const goodSocket = await openSocketAt(testTenant, 'berlin', 'good');
  expect(await testTenant.tenant.revokeKey('bad', ADMIN)).toMatchObject({ ok: true, unreachedSites: [] });
  for (const socket of badSockets) expect(await socket.closed).toMatchObject({ code: 4401 });
  goodSocket.send('{"jsonrpc":"2.0","id":1,"method":"Echo","params":{}}');
  expect(await goodSocket.next()).toMatchObject({ id: 1, result: { event: 'Started' } });
  goodSocket.close();
});

it('keeps a key revoked, and tells the sites again, when the clock is set back', async () => {
  const { tenant } = await createTenant('berlin');
  value(await tenant.createKey(key('bad'), ADMIN));
  await tenant.revokeKey('bad', ADMIN);
  const revokeKey = vi.spyOn(Switchboard.prototype, 'revokeKey');
  vi.setSystemTime(START - 86_400_000);
  expect(await tenant.authorize({ key: 'bad', site: 'berlin' })).toEqual({ ok: false });
  await runDurableObjectAlarm(tenant);
  expect(revokeKey).toHaveBeenCalledWith('bad');
});

it('repeats a revocation when all cached grants have expired', async () => {
  const { tenant } = await createTenant('berlin');
  value(await tenant.createKey(key('k'), ADMIN));
  const { takeUpdates } = mockSwitchboards();
  value(await tenant.revokeKey('k', ADMIN));
  expect(takeUpdates()).toEqual(['revoke k']);
  advance(REPEAT_AFTER_MS);
  expect(await runDurableObjectAlarm(tenant)).toBe(true);
  expect(takeUpdates()).toEqual(['revoke k']);
});

it('names a site that is not reached, and retries it from the alarm', async () => {
  const { tenant } = await createTenant('berlin', 'tokyo');
  value(await tenant.createKey(adapterKey('k', 'berlin'), ADMIN));
  const { takeUpdates, failNext } = mockSwitchboards({ failures: 1 });
  expect(await tenant.revokeKey('k', ADMIN)).toMatchObject({ ok: true, unreachedSites: ['berlin'] });
  // The tenant itself denies the key at once.
  expect(await tenant.authorize({ key: 'k', secretHash: HASH })).toEqual({ ok: false });
  failNext(1);
  advance(1_000);
  await runDurableObjectAlarm(tenant);
  expect(takeUpdates()).toEqual([]);
  advance(2_000);
  await runDurableObjectAlarm(tenant);
  expect(takeUpdates()).toEqual(['revoke k']);
});

it('updates the other sites when one fails', async () => {
  const { tenant } = await createTenant('a', 'b', 'c');
  const { takeUpdates } = mockSwitchboards({ failures: 1 });
  expect(await tenant.update({ kept_seconds: 60 }, ADMIN)).toMatchObject({ ok: true, unreachedSites: ['a'] });
  expect(takeUpdates()).toHaveLength(2);
});

it('keeps a rotated key valid for its grace period, and then revokes it from the alarm', async () => {
  const { tenant } = await createTenant('berlin', 'tokyo');
  value(await tenant.createKey(key('old', { site: 'berlin', scopes: ['read'] }), ADMIN));
  const { takeUpdates } = mockSwitchboards();
  const successor = value(await tenant.rotateKey('old', { id: 'new', hash: HASH }, 3_600, ADMIN));
  expect(successor).toMatchObject({
    id: 'new',
    role: 'api',
    site: 'berlin',
    scopes: ['read'],
    revoked_at: null,
  });
  const isAuthorized = async (id: string) => (await tenant.authorize({ key: id, secretHash: HASH })).ok;
  advance(3_599_999);
  await runDurableObjectAlarm(tenant);
  expect([await isAuthorized('old'), await isAuthorized('new'), takeUpdates()]).toEqual([true, true, []]);
  advance(1);
  expect(await isAuthorized('old')).toBe(false);
  await runDurableObjectAlarm(tenant);
  expect([await isAuthorized('new'), takeUpdates()]).toEqual([true, ['revoke old']]);
  expect(await tenant.rotateKey('old', { id: 'third', hash: HASH }, 0, ADMIN)).toMatchObject({ status: 409 });
});

it('can shorten a grace period, but not extend it', async () => {
  const { tenant } = await createTenant('berlin');
  value(await tenant.createKey(key('old'), ADMIN));
  value(await tenant.rotateKey('old', { id: 'new', hash: HASH }, 600, ADMIN));
  advance(1_000);
  expect(value(await tenant.revokeKey('old', ADMIN)).revoked_at).toBe(new Date(START + 1_000).toISOString());
  advance(1_000);
  expect(value(await tenant.revokeKey('old', ADMIN)).revoked_at).toBe(new Date(START + 1_000).toISOString());
});

it('erases a deleted site twice, revokes its own keys, and frees its name afterwards', async () => {
  const { tenant } = await createTenant('berlin', 'tokyo');
  value(await tenant.createKey(adapterKey('berlin-only', 'berlin'), ADMIN));
  value(await tenant.createKey(key('any'), ADMIN));
  const { takeUpdates } = mockSwitchboards();
  value(await tenant.deleteSite('berlin', ADMIN));
  expect(takeUpdates()).toContain('erase');
  expect(await tenant.authorize({ key: 'berlin-only', secretHash: HASH })).toEqual({ ok: false });
  expect(await tenant.authorize({ key: 'any', secretHash: HASH, site: 'berlin' })).toEqual({ ok: false });
  expect(await tenant.authorize({ key: 'any', secretHash: HASH, site: 'tokyo' })).toMatchObject({ ok: true });
  expect(await tenant.createSite('berlin', {}, ADMIN)).toMatchObject({ ok: false, status: 409 });
  advance(REPEAT_AFTER_MS);
  await runDurableObjectAlarm(tenant);
  expect(takeUpdates()).toEqual(['erase']);
  value(await tenant.createSite('berlin', {}, ADMIN));
  expect(await tenant.authorize({ key: 'berlin-only', secretHash: HASH })).toEqual({ ok: false });
});

it('stores nothing of a deleted tenant, closes its sockets, and keeps its keys revoked when it is created again', async () => {
  const testTenant = await createTenant('berlin');
  const { id, tenant } = testTenant;
  await tenant.update({ origins: ['https://a.example'], rules: { deny: ['+49123@*'] } }, ADMIN);
  value(await tenant.createKey(key('k'), ADMIN));
  const socket = await openSocketAt(testTenant, 'berlin', 'k');
  value(await tenant.delete(ADMIN));
  expect((await socket.closed).code).toBe(4401);
  expect(await tenant.show()).toBeUndefined();
  expect(await tenant.create(id, {}, ADMIN)).toMatchObject({ ok: false, status: 409 });
  advance(REPEAT_AFTER_MS);
  await runDurableObjectAlarm(tenant);
  const rows = await readAllRows(tenant);
  expect(rows.filter(({ table }) => table !== 'schema_steps' && table !== 'sqlite_sequence')).toEqual([
    { table: 'settings', row: expect.objectContaining({ tenant_id: id, limits: '{}', origins: '[]' }) },
  ]);
  expect(JSON.stringify(rows)).not.toContain('+49123');
  expect(await runInDurableObject(tenant, (_, { storage }) => storage.getAlarm())).toBeNull();

  value(await tenant.create(id, {}, ADMIN));
  value(await tenant.createSite('berlin', {}, ADMIN));
  expect(await tenant.authorize({ key: 'k', secretHash: HASH, site: 'berlin' })).toEqual({ ok: false });
});

it('records actions and rejections in the audit trail', async () => {
  const { tenant } = await createTenant('berlin');
  await tenant.createSite('berlin', {}, ADMIN);
  value(await tenant.createKey(key('k'), ADMIN));
  const minted = {
    actor: 'key:k',
    role: null,
    address: '::1',
    action: 'token.mint',
    target: 'berlin/sub:1',
    outcome: 'ok',
  };
  expect(await tenant.recordKeyAction({ key: 'k', site: 'berlin' }, minted)).toBe(true);
  const BY_ADMIN = { actor: 'admin', role: 'all', from: ADMIN.address };
  expect((await tenant.listAudit(10)).map(({ n: _, at: __, ...action }) => action)).toEqual([
    { actor: 'key:k', role: null, from: '::1', action: 'token.mint', target: 'berlin/sub:1', outcome: 'ok' },
    { ...BY_ADMIN, action: 'key.create', target: 'k', outcome: 'ok' },
    {
      ...BY_ADMIN,
      action: 'site.create',
      target: 'berlin',
      outcome: 'id: the site "berlin" exists already. Choose another id.',
    },
    { ...BY_ADMIN, action: 'site.create', target: 'berlin', outcome: 'ok' },
    expect.objectContaining({ action: 'tenant.create' }),
  ]);
});

it('drops audit entries and revoked keys after 90 days from the alarm', async () => {
  const { tenant } = await createTenant();
  value(await tenant.createKey(key('revoked'), ADMIN));
  value(await tenant.createKey(key('valid'), ADMIN));
  value(await tenant.revokeKey('revoked', ADMIN));
  advance(90 * 86_400_000);
  await runDurableObjectAlarm(tenant);
  expect(await tenant.listAudit(10)).toEqual([]);
  expect((await tenant.listKeys()).map(({ id }) => id)).toEqual(['valid']);
});

it('sets an alarm again whose handler has failed', async () => {
  const { tenant } = await createTenant();
  vi.spyOn(console, 'error').mockImplementation(() => {});
  await runInDurableObject(tenant, (_, { storage }) =>
    storage.sql.exec('ALTER TABLE outbox RENAME TO missing'),
  );
  await runDurableObjectAlarm(tenant);
  expect(await runInDurableObject(tenant, (_, { storage }) => storage.getAlarm())).toBe(START + 5_000);
});

/** Returns every row of every table. */
function readAllRows(tenant: DurableObjectStub<Tenant>) {
  return runInDurableObject(tenant, (_, { storage: { sql } }) =>
    sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray()
      .flatMap(({ name }) =>
        sql
          .exec(`SELECT * FROM ${name}`)
          .toArray()
          .map((row) => ({ table: name, row })),
      ),
  );
}
