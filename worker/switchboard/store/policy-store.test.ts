/** The site applies the policy of its tenant. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { advanceClock } from '../../testing/clock.ts';
import { scenarios, scriptByMethod, statefulCalls } from '../../testing/scenarios.ts';
import { policy, TestSite } from '../../testing/site.ts';
import { alarmTime, countSiteWrites } from '../../testing/storage.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
afterEach(() => void vi.useRealTimers());

it('never replaces a newer policy by an older one, and keeps the newest through a hibernation', async () => {
  const denyAll = (version: number) => policy({}, { version, rules: [{ allow: [], deny: ['*'] }] });
  const site = new TestSite();
  const adapter = await site.adapter(statefulCalls());
  const client = await site.client({ policy: policy({}, { version: 5 }) });
  const start = () => client.request('CallStart', URIS);
  await site.object.applyPolicy(denyAll(4));
  expect(await start()).toMatchObject({ result: { event: 'Started' } });
  await client.untilEnded();
  await site.object.applyPolicy(denyAll(6));
  expect(await start()).toMatchObject({ error: { code: -32002 } });
  await site.client({ policy: policy({}, { version: 5 }) });
  await evictDurableObject(site.object);
  expect(await start()).toMatchObject({ error: { code: -32002 } });
  await site.client({ policy: policy({}, { version: 7 }) });
  expect(await start()).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it('writes no row for a policy that is already in force', async () => {
  const site = new TestSite();
  await site.client();
  const before = await countSiteWrites(site.object);
  await site.client();
  await site.object.applyPolicy(policy());
  expect(await countSiteWrites(site.object)).toBe(before);
});

it('keeps logs as long as the policy says, and applies a shorter time at once', async () => {
  const site = new TestSite();
  await site.adapter(scenarios.endNotFound);
  const client = await site.client();
  const repeated = { callid: 'none', cmd_id: 'repeated' };
  await client.runStored(repeated);
  advanceClock(120_000);
  await site.object.applyPolicy(policy({}, { version: 2, kept_seconds: 180 }));
  expect(await client.request('CallEnd', repeated)).toMatchObject({ result: { replayed: true } });
  await site.object.applyPolicy(policy({}, { version: 3, kept_seconds: 60 }));
  const tables = await runInDurableObject(site.object, (_, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'log_%'").toArray(),
  );
  expect(tables).toEqual([]);
  // The link of the first one has timed out.
  await site.adapter(scenarios.endNotFound);
  const answer = await client.request('CallEnd', repeated);
  expect(answer).toMatchObject({ result: { event: 'Started' } });
  expect(answer.result?.replayed).toBeUndefined();
});

it('keeps the log for longer while a running command needs it, without an alarm that is due at once again', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(scriptByMethod({ t_uac_dlg: () => ({}), dlg_list: () => ({}) }));
  const client = await site.client({ policy: policy({}, { kept_seconds: 60 }) });
  const start = { ...URIS, timeout: 180, cmd_id: 'long' };
  await client.request('CallStart', start);
  advanceClock(70_000);
  await runDurableObjectAlarm(site.object);
  expect(await alarmTime(site.object)).toBeGreaterThan(Date.now());
  expect(await client.request('CallStart', start)).toMatchObject({ result: { replayed: true } });
  adapter.close();
});
