/** One alarm serves all deadlines, and drops old data. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { ScriptedAdapter } from '../testing/adapter.ts';
import { Client } from '../testing/client.ts';
import { scenarios, scriptByMethod } from '../testing/scenarios.ts';
import { Alarm } from './alarm.ts';

const object = () => env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
const armedAt = () => runInDurableObject(object(), (_, { storage }) => storage.getAlarm());

/** Advances the clock of the code under test. The platform's own clock, which fires alarms, is not affected. */
function advance(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}
afterEach(() => void vi.useRealTimers());

it('ends a call that rings too long by a stored deadline, after a sleep', async () => {
  const adapter = await ScriptedAdapter.connect(
    scriptByMethod({ t_uac_dlg: () => ({}), dlg_list: () => ({}), dlg_end_dlg: () => ({ reply: 'OK' }) }),
  );
  const client = await Client.connect();
  await client.request('CallStart', { caller: 'sip:a@127.0.0.1', callee: 'sip:b@127.0.0.1', timeout: 30 });
  expect(await armedAt()).toBeLessThanOrEqual(Date.now() + 30_000);
  advance(30_001);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  const notifications = await client.untilEnded();
  expect(notifications).toMatchObject([{ event: 'Error', error: { code: -32012 } }, { event: 'Ended' }]);
  adapter.close();
});

it('drops old data, and sets no alarm when nothing is left', async () => {
  const adapter = await ScriptedAdapter.connect(scenarios.endNotFound);
  const client = await Client.connect();
  const old = { callid: 'none', cmd_id: 'old' };
  await client.runStored(old);
  expect(await client.request('CallEnd', old)).toMatchObject({ result: { replayed: true } });
  adapter.close();
  // Notifications of commands that ran at the first alarm are kept until the second.
  for (let alarms = 0; alarms < 2; alarms++) {
    advance(3 * 3_600_000);
    await runDurableObjectAlarm(object());
  }
  const tables = await runInDurableObject(object(), (_, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'log_%'").toArray(),
  );
  expect(tables).toEqual([]);
  expect(await armedAt()).toBeNull();
});

it('ends the short waits of a command by timers: one alarm, which is behind them, is enough', async () => {
  const adapter = await ScriptedAdapter.connect(scenarios.holdBoth);
  const client = await Client.connect();
  const before = Date.now();
  await client.request('CallHold', { callid: 'c1' });
  expect(await armedAt()).toBeGreaterThanOrEqual(before + 2_000);
  expect((await client.untilEnded()).at(-1)?.event).toBe('Ended');
  expect(await armedAt()).toBeGreaterThanOrEqual(before + 2_000);
  adapter.close();
});

it.each([
  ['in memory', async () => {}],
  ['after a sleep', async () => evictDurableObject(object())],
])('sets an alarm that was lost again with the next turn, %s', async (_, sleep) => {
  const client = await Client.connect();
  await client.request('CallEnd', { callid: 'c1', cmd_id: crypto.randomUUID() });
  // In case the alarm of an earlier test is the first one.
  await runInDurableObject(object(), async (_object, { storage }) => storage.setAlarm(Date.now() + 1_000));
  await sleep();
  const other = await Client.connect();
  await other.request('CallList', {});
  advance(60_000);
  await other.request('CallList', {});
  expect(await armedAt()).toBeGreaterThan(Date.now());
});

it('of any object counts as lost when it is seconds late, and not before', async () => {
  const times: number[] = [];
  const storage = { setAlarm: (at: number) => times.push(at), getAlarm: async () => 10_000 };
  const alarm = new Alarm(storage as unknown as DurableObjectStorage);
  await alarm.load();
  alarm.arm(20_000, 14_000);
  expect(times).toEqual([]);
  alarm.arm(20_000, 15_001);
  expect(times).toEqual([20_000]);
  alarm.arm(20_000, 16_000);
  expect(times).toEqual([20_000]);
});
