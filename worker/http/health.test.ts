/** `/healthz` while nothing can be stored. */

import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { createApp } from '../app.ts';
import { demoAuthenticator } from '../auth/demo-authenticator.ts';
import { GrantCache } from '../auth/grant-cache.ts';
import { TenantAuthenticator } from '../auth/tenant-authenticator.ts';
import { PROBE_INTERVAL_MS } from '../objects/write-probe.ts';
import { DIRECTORY_NAME } from '../tenant/directory.ts';
import { advanceClock, freezeClock } from '../testing/clock.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const site = env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName('demo/demo'));
const directory = env.DIRECTORY.get(env.DIRECTORY.idFromName(DIRECTORY_NAME));

/** An object's storage refuses every write, as it does when it or the disk is full. Reads go on. */
function fillStorage(object: typeof site | typeof directory): Promise<void> {
  return runInDurableObject(object as typeof site, (_, { storage }) => {
    const exec = storage.sql.exec.bind(storage.sql);
    vi.spyOn(storage.sql, 'exec').mockImplementation((query: string, ...values: unknown[]) => {
      if (/^\s*(INSERT|UPDATE|DELETE|CREATE|DROP)/.test(query))
        throw new Error('database or disk is full: SQLITE_FULL');
      return exec(query, ...values);
    });
  });
}

async function health(authenticator = demoAuthenticator) {
  const app = createApp(authenticator);
  const response = await app.fetch(new Request('http://localhost/healthz'), env);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

it('is 503 with a reason to a client of a site that cannot store anything, and 200 when it can again', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  freezeClock();
  expect(await health()).toMatchObject({ status: 200, body: { status: 'ok', site: 'demo/demo' } });
  await fillStorage(site);
  advanceClock(PROBE_INTERVAL_MS);
  expect(await health()).toMatchObject({
    status: 503,
    body: { detail: expect.stringMatching(/cannot store.*full/) },
  });
  vi.restoreAllMocks();
  await evictDurableObject(site);
  expect(await health()).toMatchObject({ status: 200, body: { status: 'ok' } });
});

it('is 503 to everyone when the directory cannot store anything, which is asked at most every five seconds', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  freezeClock();
  const anonymous = new TenantAuthenticator(new GrantCache());
  expect(await health(anonymous)).toMatchObject({ status: 200, body: { status: 'ok' } });
  await fillStorage(directory);
  expect((await health(anonymous)).status).toBe(200);
  advanceClock(PROBE_INTERVAL_MS);
  expect(await health(anonymous)).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining('cannot store') },
  });
  vi.restoreAllMocks();
  advanceClock(5_000);
  expect((await health(anonymous)).status).toBe(200);
});

it('costs the site one row in ten seconds, however often it is asked', async () => {
  freezeClock();
  const rows = () =>
    runInDurableObject(
      site,
      (_, { storage }) => storage.sql.exec<{ at: number }>('SELECT at FROM write_probe').one().at,
    );
  // The probes of the tests above may be some seconds ahead.
  advanceClock(3 * PROBE_INTERVAL_MS);
  await health();
  const written = await rows();
  advanceClock(PROBE_INTERVAL_MS - 1);
  await health();
  expect(await rows()).toBe(written);
  advanceClock(1);
  await health();
  expect(await rows()).toBe(written + PROBE_INTERVAL_MS);
});
