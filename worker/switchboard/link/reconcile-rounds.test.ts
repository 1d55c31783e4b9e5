/** Rounds run whatever else OpenSIPS is asked: on a busy site, single calls of others are always being read. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import { advanceClock } from '../../testing/clock.ts';
import { ReconcileSimulation } from '../../testing/reconcile-simulation.ts';
import { dialogEvent, scriptByMethod } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';
import { ROUND_INTERVAL_MS } from './reconcile-schedule.ts';

const NO_DIALOG = { error: { code: 404, message: 'Requested Dialog not found' } };
afterEach(() => void vi.useRealTimers());

it('begins a round although the reply about a single call is pending', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(
    scriptByMethod({
      dlg_list: (callid) => {
        if (callid === '') return { reply: { count: 0, Dialogs: [] } };
        return callid === 'pending' ? {} : NO_DIALOG;
      },
    }),
  );
  await (await site.client()).request('CallWatch', {});
  const countPages = () => adapter.reconcileRequests.filter(({ params }) => 'index' in params).length;
  const hasAsked = (callid: string) =>
    adapter.reconcileRequests.some(({ params }) => params['callid'] === callid);
  await expect.poll(countPages).toBe(1);
  advanceClock(ROUND_INTERVAL_MS - 1_000);
  await adapter.raiseEvent(dialogEvent('pending', 1, 2));
  await expect.poll(() => hasAsked('pending')).toBe(true);
  await adapter.raiseEvent(dialogEvent('answered', 1, 2));
  await expect.poll(() => hasAsked('answered')).toBe(true);
  advanceClock(1_000);
  await runDurableObjectAlarm(site.object);
  await expect.poll(countPages).toBe(2);
  adapter.close();
});

/** A call that ends, or begins, unseen is corrected within this time (docs/protocol.md). */
const MAX_CORRECTION_MS = 30_000;
const DURATION_MS = 59_000;

const loads = [0, 20, 100, 200].flatMap((callsPerSecond) =>
  [0, 50, 100, 200].map((miDelayMs) => ({ callsPerSecond, miDelayMs })),
);

it.each(loads)(
  'rounds are on time, and find what was lost: $callsPerSecond calls of others a second, MI delay $miDelayMs ms',
  (traffic) =>
    runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
      const simulation = new ReconcileSimulation(sql, traffic);
      const { calls, rounds } = simulation;
      simulation.beginUnseen('known');
      simulation.runUntil(ROUND_INTERVAL_MS + 1_000);
      expect(calls.get('known')?.call.state).toBe('answered');
      // Just after a round has begun: it takes longest until the next one.
      simulation.runUntil((rounds[1]?.beganAt ?? 0) + 5_000);
      const changedAt = (rounds[1]?.beganAt ?? 0) + 5_000;
      simulation.endUnseen('known');
      simulation.beginUnseen('new');
      simulation.runUntil(changedAt + MAX_CORRECTION_MS);
      expect(calls.get('known')?.call).toMatchObject({
        state: 'ended',
        reason: 'no longer known to OpenSIPS',
      });
      expect(calls.get('new')?.call.state).toBe('answered');
      simulation.runUntil(DURATION_MS);
      // The delays are those of a commit and of the requests.
      expect(rounds.map(({ beganAt }) => Math.round(beganAt / 1_000))).toEqual([0, 12, 24, 36, 48]);
      for (const { beganAt, finishedAt = Number.POSITIVE_INFINITY } of rounds.slice(0, -1))
        expect(finishedAt - beganAt).toBeLessThan(ROUND_INTERVAL_MS);
      expect(calls.activeCount).toBeLessThanOrEqual(1 + 4 * traffic.callsPerSecond);
    }),
);
