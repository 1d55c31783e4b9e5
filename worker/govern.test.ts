/** What the tenant decrees holds at its site: policy, the end of a key, the end of the site. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { mintToken } from './door/tokens.ts';
import { UNKNOWN } from './door/visitor.ts';
import { callsMade, scenarios, script } from './testing/scenarios.ts';
import { client, policy, Site } from './testing/site.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
afterEach(() => void vi.useRealTimers());

const nowhere = (version: number) => policy({}, { version, rules: [{ allow: [], deny: ['*'] }] });

it('an older policy never replaces a newer one, whoever brings it, and the newest survives a sleep', async () => {
  const site = new Site();
  const adapter = await site.adapter(callsMade());
  const one = await site.client({ policy: policy({}, { version: 5 }) });
  const start = () => one.ask('CallStart', uris);
  await site.object.govern(nowhere(4));
  expect(await start()).toMatchObject({ result: { event: 'Started' } });
  await one.toEnd();
  await site.object.govern(nowhere(6));
  expect(await start()).toMatchObject({ error: { code: -32002 } });
  await site.client({ policy: policy({}, { version: 5 }) });
  await evictDurableObject(site.object);
  expect(await start()).toMatchObject({ error: { code: -32002 } });
  await site.client({ policy: policy({}, { version: 7 }) });
  expect(await start()).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('a policy that is known already costs no row', async () => {
  const site = new Site();
  await site.client();
  const written = () =>
    runInDurableObject(
      site.object,
      (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n,
    );
  const before = await written();
  await site.client();
  await site.object.govern(policy());
  expect(await written()).toBe(before);
});

it('logs are kept as long as the policy says: at once, where that has become shorter', async () => {
  const site = new Site();
  const one = await site.client();
  const old = { cmd_id: 'old' };
  await one.ask('Echo', old);
  await one.toEnd();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 });
  await site.object.govern(policy({}, { version: 2, kept_seconds: 180 }));
  expect(await one.ask('Echo', old)).toMatchObject({ result: { replayed: true } });
  await site.object.govern(policy({}, { version: 3, kept_seconds: 60 }));
  const tables = await runInDurableObject(site.object, (_, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'log_%'").toArray(),
  );
  expect(tables).toEqual([]);
  const answer = await one.ask('Echo', old);
  expect(answer).toMatchObject({ result: { event: 'Started' } });
  expect(answer.result?.replayed).toBeUndefined();
});

it('a running command keeps what it needs beyond that, and the alarm does not spin for it', async () => {
  const site = new Site();
  const adapter = await site.adapter(script({ t_uac_dlg: () => ({}), dlg_list: () => ({}) }));
  const one = await site.client({ policy: policy({}, { kept_seconds: 60 }) });
  await one.ask('CallStart', { ...uris, timeout: 180, cmd_id: 'long' });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 70_000 });
  await runDurableObjectAlarm(site.object);
  const armedAt = await runInDurableObject(site.object, (_, { storage }) => storage.getAlarm());
  expect(armedAt).toBeGreaterThan(Date.now());
  expect(await one.ask('CallStart', { ...uris, timeout: 180, cmd_id: 'long' })).toMatchObject({
    result: { replayed: true },
  });
  adapter.close();
});

it('a key that is revoked: its sockets are closed, those of its tokens and of its adapter, and no others', async () => {
  const site = new Site();
  const adapter = await site.adapter(scenarios.endOk, { key: 'bad' });
  const byKey = await site.client({ key: 'bad' });
  const byToken = await site.client({ subject: 'sub:alice', key: 'bad', expires: Date.now() + 60_000 });
  const renewed = await site.client({ subject: 'sub:alice', key: 'good' });
  const other = await site.client({ key: 'good' });
  const token = await mintToken(
    {
      tenant: site.tenant,
      site: site.site,
      subject: 'sub:alice',
      scopes: [],
      key: 'bad',
      expires: Date.now() + 60_000,
    },
    env,
  );
  expect(await renewed.ask('Authorize', { token })).toMatchObject({ result: {} });
  await evictDurableObject(site.object);
  await site.object.revoke('bad');
  for (const { closed } of [byKey.socket, byToken.socket, renewed.socket, adapter])
    expect(await closed).toEqual({ code: 4401, reason: 'the key was revoked' });
  expect(await other.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
  expect((await site.object.health()).link).toEqual({ connected: false });
});

it('nobody comes in with a revoked key, whatever the door still believes, also after a sleep', async () => {
  const site = new Site();
  await site.object.revoke('bad');
  for (const awake of [true, false]) {
    if (!awake) await evictDurableObject(site.object);
    for (const who of [client({ key: 'bad' }), { role: 'adapter', key: 'bad', policy: policy() } as const]) {
      const refused = await site.knock(who);
      expect(refused.status).toBe(401);
      expect(await refused.json()).toMatchObject({ detail: UNKNOWN.reason });
    }
    const good = await site.client({ key: 'good' });
    expect(await good.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
  }
});

it('a site that is erased: all sockets are closed and nothing is left; who comes then finds it as new', async () => {
  const site = new Site();
  const adapter = await site.adapter(callsMade('one'));
  const one = await site.client({ policy: nowhere(9) });
  await one.ask('Echo', { cmd_id: 'x' });
  await one.toEnd();
  const two = await site.client({ subject: 'sub:alice', expires: Date.now() + 60_000 });
  await site.object.erase();
  for (const { closed } of [one.socket, two.socket, adapter])
    expect(await closed).toEqual({ code: 4401, reason: 'the site was deleted' });
  const left = () =>
    runInDurableObject(site.object, async (_, { storage }) => ({
      tables: storage.sql
        .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
        .toArray(),
      alarm: await storage.getAlarm(),
    }));
  expect(await left()).toEqual({ tables: [], alarm: null });
  await site.object.erase();
  expect(await left()).toEqual({ tables: [], alarm: null });

  const again = await site.adapter(callsMade('two'));
  const later = await site.client();
  const start = { ...uris, cmd_id: 'x' };
  expect(await later.ask('CallStart', start)).toMatchObject({ result: { event: 'Started' } });
  const told = await later.toEnd();
  expect(told.at(-2)).toMatchObject({ event: 'CalleeAnswered', data: { callid: 'two' } });
  await evictDurableObject(site.object);
  expect(await later.ask('CallStart', start)).toMatchObject({ result: { replayed: true } });
  again.close();
});

it('commands that run when the site is erased end with it', async () => {
  const site = new Site();
  const adapter = await site.adapter(script({ call_hold: () => ({}) }));
  const one = await site.client();
  await one.ask('CallHold', { callid: 'c1' });
  expect(await site.object.health()).toMatchObject({ running: 1 });
  await site.object.erase();
  expect(await site.object.health()).toEqual({ running: 0, link: { connected: false } });
  await adapter.closed;
});
