/** A tenant decides who comes in, and its sites follow what it decides, also when they cannot be reached at first. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Policy, SCOPES } from '../../shared/policy.ts';
import { CALLER_HEADER, Switchboard } from '../switchboard.ts';
import { taken } from '../testing/sockets.ts';
import { AGAIN_AFTER_MS } from './errands.ts';
import type { Outcome } from './outcome.ts';
import type { NewKey, Tenant } from './tenant.ts';

const BY = { actor: 'admin', from: '192.0.2.1' };
/** Ahead of the platform's clock, so that it runs no alarm by itself. */
const START = Date.UTC(2040, 0, 1);

/** Time passes; the platform's own clock, and so its alarms, stand still. */
function pass(ms: number): void {
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

let tenants = 0;
interface Named {
  readonly id: string;
  readonly tenant: DurableObjectStub<Tenant>;
}

/** A tenant with these sites. */
async function tenantWith(...sites: string[]): Promise<Named> {
  const id = `tenant-${++tenants}`;
  const tenant = env.TENANT.get(env.TENANT.idFromName(id));
  value(await tenant.create(id, {}, BY));
  for (const site of sites) value(await tenant.createSite(site, {}, BY));
  return { id, tenant };
}

function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.value;
}

const HASH = 'a'.repeat(64);
const key = (id: string, more: Partial<NewKey> = {}): NewKey => ({
  id,
  hash: HASH,
  role: 'api',
  site: null,
  scopes: SCOPES,
  ...more,
});
const adapterKey = (id: string, site: string) => key(id, { role: 'adapter', site, scopes: [] });

const switchboardOf = ({ id }: Named, site: string) =>
  env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(`${id}/${site}`));

/** What is said to switchboards from now on, and `fails` of them say nothing. */
function listen({ fails = 0 } = {}) {
  const said: string[] = [];
  const hear = (what: string) => {
    if (fails-- > 0) throw new Error('not reached');
    said.push(what);
  };
  vi.spyOn(Switchboard.prototype, 'govern').mockImplementation((policy: Policy) =>
    hear(`govern ${policy.limits.standing_calls} ${JSON.stringify(policy.rules)}`),
  );
  vi.spyOn(Switchboard.prototype, 'revoke').mockImplementation((id: string) => hear(`revoke ${id}`));
  vi.spyOn(Switchboard.prototype, 'erase').mockImplementation(async () => hear('erase'));
  const failing = (count: number) => {
    fails = count;
  };
  return { said: () => said.splice(0), failing };
}

/** A client's socket at a site, let in with a key. */
async function socketAt(named: Named, site: string, id: string) {
  const admission = await named.tenant.admit({ key: id, site });
  if (!admission.ok) throw new Error('not admitted');
  const { policy, scopes } = admission;
  const admitted = {
    role: 'client',
    subject: `key:${id}`,
    session: crypto.randomUUID(),
    key: id,
    scopes,
    policy,
  };
  const headers = { Upgrade: 'websocket', [CALLER_HEADER]: JSON.stringify(admitted) };
  return taken(await switchboardOf(named, site).fetch('https://switchboard/', { headers }));
}

it('admits a key to where it is for, with what holds there', async () => {
  const { tenant } = await tenantWith('berlin', 'tokyo');
  await tenant.change(
    { rules: { deny: ['+1900*@*'] }, origins: ['https://a.example'], limits: { standing_calls: 11 } },
    BY,
  );
  await tenant.changeSite('berlin', { location: 'weur', rules: { allow: ['*@b'] } }, BY);
  value(await tenant.createKey(key('any', { scopes: ['CallStart'] }), BY));
  value(await tenant.createKey(adapterKey('of-berlin', 'berlin'), BY));

  const limits = expect.objectContaining({ standing_calls: 5 });
  const rules = [
    { allow: [], deny: ['+1900*@*'] },
    { allow: ['*@b'], deny: [] },
  ];
  expect(await tenant.admit({ key: 'any', secretHash: HASH, site: 'berlin' })).toEqual({
    ok: true,
    role: 'api',
    scopes: ['CallStart'],
    site: null,
    origins: ['https://a.example'],
    locationHint: 'weur',
    policy: { version: expect.any(Number), limits, rules, kept_seconds: 3600 },
  });
  expect(await tenant.admit({ key: 'of-berlin', secretHash: HASH })).toMatchObject({
    ok: true,
    role: 'adapter',
    scopes: [],
    site: 'berlin',
    policy: { limits, rules },
  });
  // For a token the key's own word is not needed: its signature has been checked.
  expect(await tenant.admit({ key: 'any', site: 'tokyo' })).toMatchObject({ ok: true });
  expect(await tenant.admit({ key: 'any', secretHash: HASH })).toMatchObject({
    ok: true,
    site: null,
    policy: { limits: expect.objectContaining({ standing_calls: 11 }) },
  });
});

it('says the same to all whom it does not admit', async () => {
  const { tenant } = await tenantWith('berlin', 'tokyo');
  value(await tenant.createKey(key('good'), BY));
  value(await tenant.createKey(key('revoked'), BY));
  value(await tenant.createKey(adapterKey('of-berlin', 'berlin'), BY));
  value(await tenant.revokeKey('revoked', BY));
  const nowhere = env.TENANT.get(env.TENANT.idFromName('nowhere'));
  const answers = [
    await tenant.admit({ key: 'unknown', secretHash: HASH, site: 'berlin' }),
    await tenant.admit({ key: 'good', secretHash: 'b'.repeat(64), site: 'berlin' }),
    await tenant.admit({ key: 'good', secretHash: '', site: 'berlin' }),
    await tenant.admit({ key: 'good', secretHash: HASH, site: 'nowhere' }),
    await tenant.admit({ key: 'revoked', secretHash: HASH, site: 'berlin' }),
    await tenant.admit({ key: 'revoked', site: 'berlin' }),
    await tenant.admit({ key: 'of-berlin', secretHash: HASH, site: 'tokyo' }),
    await nowhere.admit({ key: 'good', secretHash: HASH, site: 'berlin' }),
  ];
  for (const answer of answers) expect(answer).toEqual({ ok: false });
});

it('a tenant that was never made stores nothing but its tables', async () => {
  const nobody = env.TENANT.get(env.TENANT.idFromName('nobody'));
  expect(await nobody.createSite('berlin', {}, BY)).toMatchObject({ ok: false, status: 404 });
  await nobody.note({ ...BY, action: 'token.mint', target: 't', outcome: 'ok' });
  expect(await nobody.trail(10)).toEqual([]);
  expect(await runInDurableObject(nobody, (_, { storage }) => storage.getAlarm())).toBeNull();
});

it('notes the last use once a minute', async () => {
  const { tenant } = await tenantWith('berlin');
  value(await tenant.createKey(key('k'), BY));
  const lastUsed = async () => (await tenant.keys())[0]?.last_used;
  expect(await lastUsed()).toBeNull();
  for (const [wait, noted] of [
    [0, START],
    [59_999, START],
    [1, START + 60_000],
  ] as const) {
    pass(wait);
    await tenant.admit({ key: 'k', secretHash: HASH, site: 'berlin' });
    expect(await lastUsed()).toBe(new Date(noted).toISOString());
  }
});

it('a change reaches every site, and a new site makes the shares of the others smaller', async () => {
  const { tenant } = await tenantWith('berlin');
  const { said } = listen();
  value(await tenant.change({ limits: { standing_calls: 90 } }, BY));
  expect(said()).toEqual(['govern 90 [{"allow":[],"deny":[]},{"allow":[],"deny":[]}]']);
  value(await tenant.createSite('tokyo', {}, BY));
  expect(said()).toEqual([expect.stringMatching(/^govern 45 /)]);
  value(await tenant.changeSite('tokyo', { rules: { deny: ['x@*'] } }, BY));
  expect(said()).toEqual([expect.stringMatching(/^govern 45 .*"x@\*"/)]);
  value(await tenant.change({ limits: { standing_calls: null } }, BY));
  expect(said()).toEqual(Array(2).fill(expect.stringMatching(/^govern 5000 /)));
  value(await tenant.deleteSite('tokyo', BY));
  expect(said().sort()).toEqual(['erase', expect.stringMatching(/^govern 10000 /)]);
});

it('each change has a higher version, also after a deletion', async () => {
  const { id, tenant } = await tenantWith('berlin');
  value(await tenant.createKey(key('k'), BY));
  const version = async () => (await tenant.show())?.version ?? 0;
  const versions = [await version()];
  const noteAfter = async (change: Promise<Outcome<unknown>>) => {
    value(await change);
    versions.push(await version());
  };
  await noteAfter(tenant.change({ kept_seconds: 60 }, BY));
  await noteAfter(tenant.changeSite('berlin', { rules: { deny: ['a@*'] } }, BY));
  await noteAfter(tenant.createSite('tokyo', {}, BY));
  await noteAfter(tenant.deleteSite('berlin', BY));
  await noteAfter(tenant.deleteSite('tokyo', BY));
  value(await tenant.delete(BY));
  pass(AGAIN_AFTER_MS);
  await runDurableObjectAlarm(tenant);
  await noteAfter(tenant.create(id, {}, BY));
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
});

it('a limit is set alone; what is not named stays', async () => {
  const { tenant } = await tenantWith();
  await tenant.change({ limits: { standing_calls: 5, messages_per_second: 7 }, kept_seconds: 90 }, BY);
  await tenant.change({ limits: { standing_calls: 6, messages_per_second: undefined } }, BY);
  await tenant.change({ rules: { deny: ['a@*'] } }, BY);
  await tenant.change({ rules: { allow: ['b@*'] } }, BY);
  expect(await tenant.show()).toMatchObject({
    limits: { standing_calls: 6, messages_per_second: 7, commands_in_flight: 1_000 },
    rules: { allow: ['b@*'], deny: ['a@*'] },
    kept_seconds: 90,
  });
});

it('a revoked key closes its live sockets at every site, and those of no other key', async () => {
  const named = await tenantWith('berlin', 'tokyo');
  value(await named.tenant.createKey(key('bad'), BY));
  value(await named.tenant.createKey(key('good'), BY));
  const bad = await Promise.all(['berlin', 'tokyo'].map((site) => socketAt(named, site, 'bad')));
  const good = await socketAt(named, 'berlin', 'good');
  expect(await named.tenant.revokeKey('bad', BY)).toMatchObject({ ok: true, untold: [] });
  for (const socket of bad) expect(await socket.closed).toMatchObject({ code: 4401 });
  good.send('{"jsonrpc":"2.0","id":1,"method":"Echo","params":{}}');
  expect(await good.next()).toMatchObject({ id: 1, result: { event: 'Started' } });
  good.close();
});

it('revoking is repeated when no door can remember the key', async () => {
  const { tenant } = await tenantWith('berlin');
  value(await tenant.createKey(key('k'), BY));
  const { said } = listen();
  value(await tenant.revokeKey('k', BY));
  expect(said()).toEqual(['revoke k']);
  pass(AGAIN_AFTER_MS);
  expect(await runDurableObjectAlarm(tenant)).toBe(true);
  expect(said()).toEqual(['revoke k']);
});

it('a site that is not reached is named, and told by the alarm until it is', async () => {
  const { tenant } = await tenantWith('berlin', 'tokyo');
  value(await tenant.createKey(adapterKey('k', 'berlin'), BY));
  const { said, failing } = listen({ fails: 1 });
  expect(await tenant.revokeKey('k', BY)).toMatchObject({ ok: true, untold: ['berlin'] });
  // The key itself is refused from the first moment.
  expect(await tenant.admit({ key: 'k', secretHash: HASH })).toEqual({ ok: false });
  failing(1);
  pass(1_000);
  await runDurableObjectAlarm(tenant);
  expect(said()).toEqual([]);
  pass(2_000);
  await runDurableObjectAlarm(tenant);
  expect(said()).toEqual(['revoke k']);
});

it('one site that fails holds up no other', async () => {
  const { tenant } = await tenantWith('a', 'b', 'c');
  const { said } = listen({ fails: 1 });
  expect(await tenant.change({ kept_seconds: 60 }, BY)).toMatchObject({ ok: true, untold: ['a'] });
  expect(said()).toHaveLength(2);
});

it('a rotated key holds for its grace beside the new one, and is then ended by the alarm', async () => {
  const { tenant } = await tenantWith('berlin', 'tokyo');
  value(await tenant.createKey(key('old', { site: 'berlin', scopes: ['read'] }), BY));
  const { said } = listen();
  const fresh = value(await tenant.rotateKey('old', { id: 'new', hash: HASH }, 3_600, BY));
  expect(fresh).toMatchObject({ id: 'new', role: 'api', site: 'berlin', scopes: ['read'], revoked_at: null });
  const admitted = async (id: string) => (await tenant.admit({ key: id, secretHash: HASH })).ok;
  pass(3_599_999);
  await runDurableObjectAlarm(tenant);
  expect([await admitted('old'), await admitted('new'), said()]).toEqual([true, true, []]);
  pass(1);
  expect(await admitted('old')).toBe(false);
  await runDurableObjectAlarm(tenant);
  expect([await admitted('new'), said()]).toEqual([true, ['revoke old']]);
  expect(await tenant.rotateKey('old', { id: 'third', hash: HASH }, 0, BY)).toMatchObject({ status: 409 });
});

it('a grace can be cut short, and not prolonged', async () => {
  const { tenant } = await tenantWith('berlin');
  value(await tenant.createKey(key('old'), BY));
  value(await tenant.rotateKey('old', { id: 'new', hash: HASH }, 600, BY));
  pass(1_000);
  expect(value(await tenant.revokeKey('old', BY)).revoked_at).toBe(new Date(START + 1_000).toISOString());
  pass(1_000);
  expect(value(await tenant.revokeKey('old', BY)).revoked_at).toBe(new Date(START + 1_000).toISOString());
});

it('a deleted site is erased twice, its own keys end, and its name is free after that', async () => {
  const { tenant } = await tenantWith('berlin', 'tokyo');
  value(await tenant.createKey(adapterKey('of-berlin', 'berlin'), BY));
  value(await tenant.createKey(key('any'), BY));
  const { said } = listen();
  value(await tenant.deleteSite('berlin', BY));
  expect(said()).toContain('erase');
  expect(await tenant.admit({ key: 'of-berlin', secretHash: HASH })).toEqual({ ok: false });
  expect(await tenant.admit({ key: 'any', secretHash: HASH, site: 'berlin' })).toEqual({ ok: false });
  expect(await tenant.admit({ key: 'any', secretHash: HASH, site: 'tokyo' })).toMatchObject({ ok: true });
  expect(await tenant.createSite('berlin', {}, BY)).toMatchObject({ ok: false, status: 409 });
  pass(AGAIN_AFTER_MS);
  await runDurableObjectAlarm(tenant);
  expect(said()).toEqual(['erase']);
  value(await tenant.createSite('berlin', {}, BY));
  expect(await tenant.admit({ key: 'of-berlin', secretHash: HASH })).toEqual({ ok: false });
});

it('a deleted tenant holds nothing, closes its sockets, and its keys stay ended when it is made anew', async () => {
  const named = await tenantWith('berlin');
  const { id, tenant } = named;
  await tenant.change({ origins: ['https://a.example'], rules: { deny: ['+49123@*'] } }, BY);
  value(await tenant.createKey(key('k'), BY));
  const socket = await socketAt(named, 'berlin', 'k');
  value(await tenant.delete(BY));
  expect((await socket.closed).code).toBe(4401);
  expect(await tenant.show()).toBeUndefined();
  expect(await tenant.create(id, {}, BY)).toMatchObject({ ok: false, status: 409 });
  pass(AGAIN_AFTER_MS);
  await runDurableObjectAlarm(tenant);
  const rows = await everything(tenant);
  expect(rows.filter(({ table }) => table !== 'schema' && table !== 'sqlite_sequence')).toEqual([
    { table: 'tenant', row: expect.objectContaining({ id, limits: '{}', origins: '[]' }) },
  ]);
  expect(JSON.stringify(rows)).not.toContain('+49123');
  expect(await runInDurableObject(tenant, (_, { storage }) => storage.getAlarm())).toBeNull();

  value(await tenant.create(id, {}, BY));
  value(await tenant.createSite('berlin', {}, BY));
  expect(await tenant.admit({ key: 'k', secretHash: HASH, site: 'berlin' })).toEqual({ ok: false });
});

it('the trail says what was done, and what was refused', async () => {
  const { tenant } = await tenantWith('berlin');
  await tenant.createSite('berlin', {}, BY);
  value(await tenant.createKey(key('k'), BY));
  await tenant.note({
    actor: 'key:k',
    from: '::1',
    action: 'token.mint',
    target: 'berlin/sub:1',
    outcome: 'ok',
  });
  expect((await tenant.trail(10)).map(({ n: _, at: __, ...deed }) => deed)).toEqual([
    { actor: 'key:k', from: '::1', action: 'token.mint', target: 'berlin/sub:1', outcome: 'ok' },
    { ...BY, action: 'key.create', target: 'k', outcome: 'ok' },
    {
      ...BY,
      action: 'site.create',
      target: 'berlin',
      outcome: 'the site berlin exists already; choose another name',
    },
    { ...BY, action: 'site.create', target: 'berlin', outcome: 'ok' },
    expect.objectContaining({ action: 'tenant.create' }),
  ]);
});

it('what is 90 days old is dropped by the alarm: the trail, and keys that have ended', async () => {
  const { tenant } = await tenantWith();
  value(await tenant.createKey(key('ended'), BY));
  value(await tenant.createKey(key('stands'), BY));
  value(await tenant.revokeKey('ended', BY));
  pass(90 * 86_400_000);
  await runDurableObjectAlarm(tenant);
  expect(await tenant.trail(10)).toEqual([]);
  expect((await tenant.keys()).map(({ id }) => id)).toEqual(['stands']);
});

it('an alarm that fails is set again', async () => {
  const { tenant } = await tenantWith();
  vi.spyOn(console, 'error').mockImplementation(() => {});
  await runInDurableObject(tenant, (_, { storage }) =>
    storage.sql.exec('ALTER TABLE errands RENAME TO gone'),
  );
  await runDurableObjectAlarm(tenant);
  expect(await runInDurableObject(tenant, (_, { storage }) => storage.getAlarm())).toBe(START + 5_000);
});

/** Every row of every table. */
function everything(tenant: DurableObjectStub<Tenant>) {
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
