import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConcurrencyLimit } from './concurrency-limit.ts';

const LONG_MS = 60_000;

describe('the concurrency limit', () => {
  it('grants permits in the order of the requests, and never more than its maximum', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 20 }),
        async (maxPermits, count) => {
          const limit = new ConcurrencyLimit(maxPermits);
          const order: number[] = [];
          let held = 0;
          let maxHeld = 0;
          await Promise.all(
            Array.from({ length: count }, async (_, index) => {
              expect(await limit.acquire(LONG_MS)).toBe(true);
              order.push(index);
              held += 1;
              maxHeld = Math.max(maxHeld, held);
              await Promise.resolve();
              held -= 1;
              limit.release();
            }),
          );
          expect(order).toEqual(Array.from({ length: count }, (_, index) => index));
          expect(maxHeld).toBe(Math.min(maxPermits, count));
        },
      ),
    );
  });

  it('grants several permits when all of them are available, without changing the order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 20 }),
        async (maxPermits, requests) => {
          const limit = new ConcurrencyLimit(maxPermits);
          const order: number[] = [];
          let held = 0;
          await Promise.all(
            requests.map(async (permits, index) => {
              expect(await limit.acquire(LONG_MS, permits)).toBe(true);
              order.push(index);
              held += Math.min(permits, maxPermits);
              expect(held).toBeLessThanOrEqual(maxPermits);
              await Promise.resolve();
              held -= Math.min(permits, maxPermits);
              limit.release(permits);
            }),
          );
          expect(order).toEqual(requests.map((_, index) => index));
        },
      ),
    );
  });

  it('grants later requests once a large one before them has timed out', async () => {
    const limit = new ConcurrencyLimit(2);
    await limit.acquire(LONG_MS);
    const large = limit.acquire(1, 2);
    const small = limit.acquire(LONG_MS);
    expect([await large, await small]).toEqual([false, true]);
  });

  it('rejects a request after its time, and gives the permit to the next', async () => {
    const limit = new ConcurrencyLimit(1);
    await limit.acquire(LONG_MS);
    const short = limit.acquire(1);
    const long = limit.acquire(LONG_MS);
    expect(await short).toBe(false);
    limit.release();
    expect(await long).toBe(true);
  });

  it.each([0, -0.5])(
    'rejects a request at once whose time is over (%s ms), and one that can be granted is',
    async (waitMs) => {
      const limit = new ConcurrencyLimit(1);
      const warnings: Error[] = [];
      process.on('warning', (warning) => warnings.push(warning));
      expect(await limit.acquire(waitMs)).toBe(true);
      expect(await limit.acquire(waitMs)).toBe(false);
      limit.release();
      expect(await limit.acquire(waitMs)).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
      expect(warnings).toEqual([]);
    },
  );

  it('rejects all waiting requests', async () => {
    const limit = new ConcurrencyLimit(0);
    const waiting = [limit.acquire(LONG_MS), limit.acquire(LONG_MS)];
    limit.rejectWaiting();
    expect(await Promise.all(waiting)).toEqual([false, false]);
  });
});
