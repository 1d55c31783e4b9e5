/** One alarm serves all deadlines, and drops old data. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { ScriptedAdapter } from '../testing/adapter.ts';
import { Client } from '../testing/client.ts';
import { scriptByMethod } from '../testing/scenarios.ts';

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
  const client = await Client.connect();
  await client.request('Echo', { cmd_id: 'old' });
  await client.untilEnded();
  expect(await client.request('Echo', { cmd_id: 'old' })).toMatchObject({ result: { replayed: true } });
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
