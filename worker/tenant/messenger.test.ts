/** A switchboard that says nothing is as good as one that cannot be reached. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { Errands } from './errands.ts';
import { Messenger } from './messenger.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it('waits 5 s for an answer, tells the others meanwhile, and tries again later', () =>
  runInDurableObject(env.TENANT.get(env.TENANT.newUniqueId()), async (_, { storage }) => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: 0 });
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const errands = new Errands(storage.sql);
    const told: string[] = [];
    const silent = { site: 'silent' };
    const messenger = new Messenger(errands, async ({ site }) => {
      if (site === silent.site) await new Promise(() => {});
      told.push(site);
    });
    errands.add('govern', { id: 'silent', location: null }, 0);
    errands.add('govern', { id: 'there', location: null }, 0);

    let over = false;
    const run = messenger.run(0).then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(4_999);
    expect([told, over]).toEqual([['there'], false]);
    await vi.advanceTimersByTimeAsync(1);
    await run;
    expect(errands.unreached(5_000)).toEqual(['silent']);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('the site silent'), expect.any(Error));

    silent.site = 'nobody';
    await messenger.run(errands.due);
    expect(told).toEqual(['there', 'silent']);
    expect(errands.due).toBe(Number.POSITIVE_INFINITY);
  }));
