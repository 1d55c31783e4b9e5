/** One alarm runs every deadline, and drops what has been kept long enough. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { ScriptedAdapter } from './testing/adapter.ts';
import { Client } from './testing/client.ts';
import { script } from './testing/scenarios.ts';

const object = () => env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
const armedAt = () => runInDurableObject(object(), (_, { storage }) => storage.getAlarm());

/** Time passes; the platform's own clock, and so its alarms, stand still. */
function pass(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}
afterEach(() => void vi.useRealTimers());

it('a phone that rings too long: the deadline is stored, and runs after a sleep', async () => {
  const adapter = await ScriptedAdapter.connect(
    script({ t_uac_dlg: () => ({}), dlg_list: () => ({}), dlg_end_dlg: () => ({ reply: 'OK' }) }),
  );
  const client = await Client.connect();
  await client.ask('CallStart', { caller: 'sip:a@127.0.0.1', callee: 'sip:b@127.0.0.1', timeout: 30 });
  expect(await armedAt()).toBeLessThanOrEqual(Date.now() + 30_000);
  pass(30_001);
  expect(await runDurableObjectAlarm(object())).toBe(true);
  const told = await client.toEnd();
  expect(told).toMatchObject([{ event: 'Error', error: { code: -32012 } }, { event: 'Ended' }]);
  adapter.close();
});

it('what is old is dropped by the alarm, and then nothing is armed', async () => {
  const client = await Client.connect();
  await client.ask('Echo', { cmd_id: 'old' });
  await client.toEnd();
  expect(await client.ask('Echo', { cmd_id: 'old' })).toMatchObject({ result: { replayed: true } });
  // What still ran when the first one came has its own last words kept until the second.
  for (let alarms = 0; alarms < 2; alarms++) {
    pass(3 * 3_600_000);
    await runDurableObjectAlarm(object());
  }
  const tables = await runInDurableObject(object(), (_, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'log_%'").toArray(),
  );
  expect(tables).toEqual([]);
  expect(await armedAt()).toBeNull();
});
