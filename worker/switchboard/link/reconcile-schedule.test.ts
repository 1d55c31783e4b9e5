import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { advanceClock } from '../../testing/clock.ts';
import { dialogEvent, scriptByMethod } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';
import { ROUND_INTERVAL_MS, UNWATCHED_INTERVAL_MS, WATCHED_AFTER_READ_MS } from './reconcile-schedule.ts';

const NO_DIALOG = { error: { code: 404, message: 'Requested Dialog not found' } };
const PARTIES = { from_uri: 'sip:a@b', to_uri: 'sip:b@a' };
const ACTIVE = { ID: 'id.active', state: 4, timestart: 1, callid: 'active', ...PARTIES };
afterEach(() => void vi.useRealTimers());

it('begins reconciliation rounds often after a client has read calls, and otherwise once an hour while a call is active', async () => {
  const site = new TestSite();
  const stream = crypto.randomUUID();
  let base = 1;
  /** Lets time pass and runs the alarm. Returns how many pages were requested. */
  const pagesAfter = async (ms: number) => {
    advanceClock(ms);
    const adapter = await site.adapter(
      scriptByMethod({
        call_hold: () => NO_DIALOG,
        dlg_list: (callid) => (callid === '' ? { reply: { Dialogs: [ACTIVE] } } : { outcome: 'timeout' }),
      }),
      { stream, base },
    );
    if (base === 1) {
      await adapter.raiseEvent(dialogEvent('active', 1, 2));
      // The parties of the new call are requested at once.
      await expect.poll(() => adapter.reconcileRequests.length).toBe(1);
    }
    await runDurableObjectAlarm(site.object);
    base += 100;
    // Everything that was requested before is answered before a command ends.
    const client = await site.client();
    const runCommand = async () => {
      await client.request('CallHold', { callid: 'x' });
      await client.untilEnded();
    };
    await runCommand();
    const pages = adapter.reconcileRequests.filter(({ params }) => 'index' in params).length;
    adapter.close();
    return pages;
  };
  const pages = [
    await pagesAfter(0),
    await pagesAfter(UNWATCHED_INTERVAL_MS - 60_000),
    await pagesAfter(120_000),
  ];
  await evictDurableObject(site.object);
  pages.push(await pagesAfter(UNWATCHED_INTERVAL_MS - 120_000));
  const reader = await site.client();
  await reader.request('CallList', {});
  await evictDurableObject(site.object);
  // After a hibernation a round is due at once. One that was due while the calls were watched still begins, and then none does.
  pages.push(await pagesAfter(1_000), await pagesAfter(ROUND_INTERVAL_MS));
  pages.push(await pagesAfter(WATCHED_AFTER_READ_MS), await pagesAfter(WATCHED_AFTER_READ_MS));
  expect(pages).toEqual([0, 0, 1, 0, 1, 1, 1, 0]);
});

it('begins reconciliation rounds for a watcher even if the object hibernates before each alarm', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(
    scriptByMethod({
      dlg_list: (callid) => (callid === '' ? { reply: { count: 0, Dialogs: [] } } : NO_DIALOG),
    }),
  );
  await (await site.client()).request('CallWatch', {});
  const countPages = () => adapter.reconcileRequests.filter(({ params }) => 'index' in params).length;
  await expect.poll(countPages).toBe(1);
  // No more rounds than these, because later an adapter that has not pinged is disconnected.
  for (const rounds of [2, 3]) {
    await evictDurableObject(site.object);
    advanceClock(ROUND_INTERVAL_MS);
    await runDurableObjectAlarm(site.object);
    await expect.poll(countPages).toBe(rounds);
  }
  adapter.close();
});
