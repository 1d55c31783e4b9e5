import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

it('gives twice the rate at once, then as many as drip in', () => {
  const bucket = new TokenBucket();
  for (let n = 0; n < 20; n++) expect(bucket.take(10, 1_000)).toBe(0);
  expect(bucket.take(10, 1_000)).toBe(100);
  expect(bucket.take(10, 1_099)).toBe(1);
  expect(bucket.take(10, 1_100)).toBe(0);
});

it('a rate under one in two seconds still gives one', () => {
  const bucket = new TokenBucket();
  expect(bucket.take(0.01, 0)).toBe(0);
  expect(bucket.take(0.01, 0)).toBe(100_000);
  expect(bucket.take(0.01, 100_000)).toBe(0);
});

it('a batch has its turn whatever its size, and the next one waits for all of it', () => {
  const bucket = new TokenBucket();
  expect(bucket.take(5, 0, 100)).toBe(0);
  expect(bucket.take(5, 0, 1)).toBe(18_200);
  expect(bucket.take(5, 18_200, 1)).toBe(0);
});

it('a rate that is changed holds at once', () => {
  const bucket = new TokenBucket();
  expect(bucket.take(1_000, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBeGreaterThan(0);
  expect(bucket.take(1_000, 2)).toBe(0);
});

it('a clock that goes back gives nothing', () => {
  const bucket = new TokenBucket();
  for (let n = 0; n < 2; n++) bucket.take(1, 10_000);
  expect(bucket.take(1, 5_000)).toBe(1_000);
});

it('never gives more than burst and rate together, and what it tells to wait is enough', () => {
  const takes = fc.array(fc.record({ pause: fc.nat(500), count: fc.integer({ min: 1, max: 5 }) }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), takes, (rate, all) => {
      const bucket = new TokenBucket();
      let now = 0;
      let given = 0;
      for (const { pause, count } of all) {
        now += pause;
        const wait = bucket.take(rate, now, count);
        if (wait > 0) {
          now += wait;
          expect(bucket.take(rate, now, count)).toBe(0);
        }
        given += count;
        // The last batch may be owed, but for the one token that had to be there.
        expect(given).toBeLessThanOrEqual(2 * rate + (now * rate) / 1_000 + count);
      }
    }),
  );
});
