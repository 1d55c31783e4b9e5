/** Disconnects the adapter from the edge under load. For a minute: `npm run test:faults -- --cut-off 60`. */
import { expect, it } from 'vitest';
import { COMPLETE_EVENTS, runLinkOutage } from './link-outage.ts';

const SECONDS = 5;
/** The smallest buffer that an adapter accepts; the outage raises more events than that. */
const SMALL_BUFFER = 100;

it(`reconnects after ${SECONDS} s, and the edge receives every event of the outage`, {
  timeout: 120_000,
}, async () => {
  const { calls, raised, replayed, hasOverflowed } = await runLinkOutage(SECONDS);
  for (const call of calls) expect(call).toEqual({ events: COMPLETE_EVENTS, isActive: true });
  expect(replayed).toBeGreaterThanOrEqual(raised);
  expect(hasOverflowed).toBe(false);
});

it('ends every command by querying OpenSIPS if the buffer of the adapter overflows', {
  timeout: 120_000,
}, async () => {
  const { calls, raised, hasOverflowed } = await runLinkOutage(SECONDS, SMALL_BUFFER);
  expect(raised).toBeGreaterThan(SMALL_BUFFER);
  expect(hasOverflowed).toBe(true);
  for (const { events, isActive } of calls) {
    expect(events.slice(-2)).toEqual(['CalleeAnswered', 'Ended']);
    expect(isActive).toBe(true);
  }
});
