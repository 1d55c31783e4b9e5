/** The socket of a client is closed when its token expires. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { advanceClock, freezeClock } from '../../testing/clock.ts';
import { scenarios } from '../../testing/scenarios.ts';
import { type ClientOptions, TestSite } from '../../testing/site.ts';
import { alarmTime } from '../../testing/storage.ts';

const HOUR_MS = 3_600_000;
const ALICE: ClientOptions = { subject: 'sub:alice' };

afterEach(() => void vi.useRealTimers());

it('closes the socket of an expired token by an alarm, after a hibernation too, and no other socket', async () => {
  freezeClock();
  const site = new TestSite();
  const expires = Date.now() + HOUR_MS;
  const first = await site.client({ ...ALICE, expires });
  const later = await site.client({ ...ALICE, expires: expires + HOUR_MS });
  const withoutExpiry = await site.client();
  expect(await alarmTime(site.object)).toBe(expires);
  await evictDurableObject(site.object);
  advanceClock(HOUR_MS);
  await runDurableObjectAlarm(site.object);
  expect(await first.socket.closed).toMatchObject({ code: 4401, reason: expect.stringContaining('expired') });
  expect(await alarmTime(site.object)).toBe(expires + HOUR_MS);
  for (const client of [later, withoutExpiry])
    expect(await client.request('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('moves the alarm forward for a token that expires earlier', async () => {
  freezeClock();
  const site = new TestSite();
  await site.client({ ...ALICE, expires: Date.now() + 2 * HOUR_MS });
  await site.client({ ...ALICE, expires: Date.now() + HOUR_MS });
  expect(await alarmTime(site.object)).toBe(Date.now() + HOUR_MS);
});

it('does not run a command that arrives after the expiry, even if the alarm is late', async () => {
  freezeClock();
  const site = new TestSite();
  const adapter = await site.adapter(scenarios.endOk);
  const client = await site.client({ ...ALICE, expires: Date.now() + 1_000 });
  advanceClock(1_000);
  client.socket.send('{"jsonrpc":"2.0","id":1,"method":"CallEnd","params":{"callid":"c1"}}');
  expect(await client.socket.closed).toMatchObject({ code: 4401 });
  expect(adapter.miRequests).toEqual([]);
  adapter.close();
});
