/** The clock of the machine is set back: nothing is due later than it should be. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { advanceClock, freezeClock } from '../testing/clock.ts';
import { scenarios, scriptByMethod } from '../testing/scenarios.ts';
import { policy, TestSite } from '../testing/site.ts';
import { alarmTime } from '../testing/storage.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** OpenSIPS accepts every request and answers none. */
const silent = scriptByMethod({ call_hold: () => ({}) });

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  freezeClock();
  // The clock of the platform, which runs alarms, goes on: none of them is due while a test moves its own.
  advanceClock(7 * DAY_MS);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Lets time pass, and runs the alarms of a site. */
async function passTime(site: TestSite, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    advanceClock(5_000);
    await runDurableObjectAlarm(site.object);
  }
}

const CHANGES: readonly (readonly [string, readonly number[]])[] = [
  ['by five minutes', [-5 * MINUTE_MS]],
  ['by a day', [-DAY_MS]],
  ['twice', [-5 * MINUTE_MS, -DAY_MS]],
];

for (const isRestarted of [false, true]) {
  it.each(CHANGES)(
    `ends a command at its deadline when the clock was set back %s, restarted: ${isRestarted}`,
    async (_, changes) => {
      const site = new TestSite();
      await site.adapter(silent);
      const client = await site.client();
      const { result } = await client.request('CallHold', { callid: 'c1' });
      expect(result).toMatchObject({ event: 'Started' });
      const usualMs = ((await alarmTime(site.object)) ?? 0) - Date.now();
      expect(usualMs).toBeGreaterThan(0);
      for (const ms of changes) {
        advanceClock(ms);
        if (isRestarted) await evictDurableObject(site.object);
        // Any message shows that the clock was set back.
        await client.request('CallList');
      }
      expect(((await alarmTime(site.object)) ?? 0) - Date.now()).toBeLessThanOrEqual(usualMs);
      await passTime(site, 2 * MINUTE_MS);
      const events = (await client.untilEnded()).map(({ event }) => event);
      expect(events.slice(-2)).toEqual(['Error', 'Ended']);
    },
  );
}

it('goes on after the clock was set forward and back', async () => {
  const site = new TestSite();
  await site.adapter(silent);
  const limited = policy({ messages_per_second: 1 });
  const client = await site.client({ policy: limited });
  await client.request('CallHold', { callid: 'c1' });
  advanceClock(DAY_MS);
  await passTime(site, 2 * MINUTE_MS);
  expect((await client.untilEnded()).at(-1)?.event).toBe('Ended');
  // The link was lost meanwhile.
  await site.adapter(silent);
  const second = await site.client({ subject: 'sub:bob' });
  await second.request('CallHold', { callid: 'c2' });
  advanceClock(-DAY_MS);
  await second.request('CallList');
  await passTime(site, 2 * MINUTE_MS);
  expect((await second.untilEnded()).at(-1)?.event).toBe('Ended');
  // The rate limit of the first client is counted in the new time.
  expect(await client.request('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('counts the rate of a client in the new time, and blocks nobody for longer than ten seconds', async () => {
  const site = new TestSite();
  const limited = policy({ messages_per_second: 1 });
  const client = await site.client({ policy: limited });
  const batch = (count: number) =>
    client.socket.send(
      JSON.stringify(
        Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'rpc.discover2' })),
      ),
    );
  batch(2);
  await client.socket.next();
  advanceClock(-DAY_MS);
  batch(1);
  expect(await client.socket.next()).toMatchObject([{ error: { code: -32003 } }]);
  advanceClock(1_000);
  batch(1);
  expect(await client.socket.next()).toMatchObject([{ error: { code: -32601 } }]);
  for (let n = 0; n < 3; n++) batch(100);
  expect(await client.socket.closed).toMatchObject({ code: 4429 });
  const reconnect = () =>
    site.requestSocket({
      role: 'client',
      subject: 'key:key-1',
      session: 's',
      key: 'key-1',
      scopes: [],
      policy: limited,
    });
  expect((await reconnect()).status).toBe(429);
  advanceClock(-DAY_MS);
  advanceClock(10_000);
  expect((await reconnect()).status).toBe(101);
});

it('closes the socket of a token after the rest of its time', async () => {
  const site = new TestSite();
  const client = await site.client({ subject: 'sub:alice', expires: Date.now() + 10 * MINUTE_MS });
  advanceClock(-DAY_MS);
  await client.request('CallList');
  expect(await alarmTime(site.object)).toBe(Date.now() + 10 * MINUTE_MS);
  advanceClock(10 * MINUTE_MS);
  await runDurableObjectAlarm(site.object);
  expect(await client.socket.closed).toMatchObject({ code: 4401 });
});

it('keeps the log for its time, and no longer', async () => {
  const site = new TestSite();
  const short = policy({}, { version: 2, kept_seconds: 60 });
  const adapter = await site.adapter(scenarios.endNotFound);
  const client = await site.client({ policy: short });
  const [{ cmd_id } = { cmd_id: '' }] = await client.runStored();
  adapter.close();
  advanceClock(-DAY_MS);
  const isKept = async () => {
    const { result: found } = await client.request('CommandGet', { cmd_id });
    return found !== undefined;
  };
  expect(await isKept()).toBe(true);
  advanceClock(2 * MINUTE_MS);
  await runDurableObjectAlarm(site.object);
  expect(await isKept()).toBe(false);
});

it('notices a dead adapter although its last ping seems to be in the future', async () => {
  const site = new TestSite();
  await site.adapter(silent);
  expect((await site.object.health('k'))?.link.connected).toBe(true);
  advanceClock(-DAY_MS);
  expect((await site.object.health('k'))?.link.connected).toBe(true);
  advanceClock(26_000);
  expect((await site.object.health('k'))?.link.connected).toBe(false);
});
