import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

it('grants twice the rate as a burst, then the rate', () => {
  const bucket = new TokenBucket();
  for (let n = 0; n < 20; n++) expect(bucket.take(10, 1_000)).toBe(0);
  expect(bucket.take(10, 1_000)).toBe(100);
  expect(bucket.take(10, 1_099)).toBe(1);
  expect(bucket.take(10, 1_100)).toBe(0);
});

it('grants one token even if the rate is less than one in two seconds', () => {
  const bucket = new TokenBucket();
  expect(bucket.take(0.01, 0)).toBe(0);
  expect(bucket.take(0.01, 0)).toBe(100_000);
  expect(bucket.take(0.01, 100_000)).toBe(0);
});

it('grants a batch of any size, and the next one waits until it is paid for', () => {
  const bucket = new TokenBucket();
  expect(bucket.take(5, 0, 100)).toBe(0);
  expect(bucket.take(5, 0, 1)).toBe(18_200);
  expect(bucket.take(5, 18_200, 1)).toBe(0);
});

it('applies a new rate at once', () => {
  const bucket = new TokenBucket();
  expect(bucket.take(1_000, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBeGreaterThan(0);
  expect(bucket.take(1_000, 2)).toBe(0);
});

it('grants nothing when the clock goes back, and goes on from the new time', () => {
  const bucket = new TokenBucket();
  for (let n = 0; n < 2; n++) bucket.take(1, 3_600_000);
  expect(bucket.take(1, 5_000)).toBe(1_000);
  expect(bucket.take(1, 6_000)).toBe(0);
});

it('holds what the rate adds in the time that its owner sets', () => {
  const bucket = new TokenBucket(60);
  for (let n = 0; n < 60; n++) expect(bucket.take(1, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(1_000);
});

it('tells how long a token takes, without taking it', () => {
  const bucket = new TokenBucket();
  expect(bucket.waitFor(1, 0)).toBe(0);
  expect(bucket.isFull(1, 0)).toBe(true);
  bucket.take(1, 0, 2);
  expect(bucket.waitFor(1, 0)).toBe(1_000);
  expect(bucket.isFull(1, 1_999)).toBe(false);
  expect(bucket.isFull(1, 2_000)).toBe(true);
});

it('never grants more than the burst and the rate, and a token is available after the wait', () => {
  const takes = fc.array(fc.record({ pause: fc.nat(500), count: fc.integer({ min: 1, max: 5 }) }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), takes, (rate, steps) => {
      const bucket = new TokenBucket();
      let now = 0;
      let granted = 0;
      for (const { pause, count } of steps) {
        now += pause;
        const wait = bucket.take(rate, now, count);
        if (wait > 0) {
          now += wait;
          expect(bucket.take(rate, now, count)).toBe(0);
        }
        granted += count;
        // The last batch may be a debt, except for the one token that had to be available.
        expect(granted).toBeLessThanOrEqual(2 * rate + (now * rate) / 1_000 + count);
      }
    }),
  );
});
