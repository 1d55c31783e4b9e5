/** A switchboard that does not answer is treated like one that cannot be reached. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { Outbox } from './outbox.ts';
import { SiteUpdater } from './site-updates.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it('waits 5 s for a switchboard, delivers to others meanwhile, and retries later', () =>
  runInDurableObject(env.TENANT.get(env.TENANT.newUniqueId()), async (_, { storage }) => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 0 });
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const outbox = new Outbox(storage.sql);
    const delivered: string[] = [];
    const unresponsive = { site: 'silent' };
    const updater = new SiteUpdater(outbox, async ({ site }) => {
      if (site === unresponsive.site) await new Promise(() => {});
      delivered.push(site);
    });
    outbox.add('policy', { id: 'silent', location: null }, 0);
    outbox.add('policy', { id: 'responsive', location: null }, 0);

    let isDone = false;
    const run = updater.deliverDue(0).then(() => {
      isDone = true;
    });
    await vi.advanceTimersByTimeAsync(4_999);
    expect([delivered, isDone]).toEqual([['responsive'], false]);
    await vi.advanceTimersByTimeAsync(1);
    await run;
    expect(outbox.unreachedSites(5_000)).toEqual(['silent']);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('site silent'), expect.any(Error));

    unresponsive.site = 'none';
    await updater.deliverDue(outbox.due);
    expect(delivered).toEqual(['responsive', 'silent']);
    expect(outbox.due).toBe(Number.POSITIVE_INFINITY);
  }));
