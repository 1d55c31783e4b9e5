import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffDelayMs } from './backoff.ts';

describe('backoff', () => {
  it.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [6, 30_000],
    [1_000_000, 30_000],
  ])('after %i failures waits 500 to %i ms', (failures, longestMs) => {
    expect(backoffDelayMs(failures, 500, 30_000, 0)).toBe(500);
    expect(backoffDelayMs(failures, 500, 30_000, 1)).toBe(longestMs);
  });

  it('stays within its bounds', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
        const delayMs = backoffDelayMs(failures, 500, 30_000, random);
        expect(delayMs).toBeGreaterThanOrEqual(500);
        expect(delayMs).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});
