/** The adapter is cut off from the edge under load; for a minute: `npm run test:faults -- --cut-off 60`. */
import { expect, it } from 'vitest';
import { cutOff, WHOLE } from './cut-off.ts';

const SECONDS = 5;
/** The least that an adapter takes for its buffer; more events than that are raised meanwhile. */
const SMALL_BUFFER = 100;

it(`for ${SECONDS} s: it comes back, and no event that was raised meanwhile is missing at the edge`, {
  timeout: 120_000,
}, async () => {
  const { calls, raised, replayed, overflowed } = await cutOff(SECONDS);
  for (const call of calls) expect(call).toEqual({ told: WHOLE, stands: true });
  expect(replayed).toBeGreaterThanOrEqual(raised);
  expect(overflowed).toBe(false);
});

it('beyond its buffer: the edge is told of the gap, asks OpenSIPS and settles', {
  timeout: 120_000,
}, async () => {
  const { calls, raised, overflowed } = await cutOff(SECONDS, SMALL_BUFFER);
  expect(raised).toBeGreaterThan(SMALL_BUFFER);
  expect(overflowed).toBe(true);
  for (const { told, stands } of calls) {
    expect(told.slice(-2)).toEqual(['CalleeAnswered', 'Ended']);
    expect(stands).toBe(true);
  }
});
