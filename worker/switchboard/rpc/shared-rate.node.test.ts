import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SharedRate } from './shared-rate.ts';

const RATES = { subject: 5, total: 20 };

it('bounds each subject, and all of them together however many there are', () => {
  const rate = new SharedRate();
  for (let n = 0; n < 10; n++) expect(rate.take('one', 1, RATES, 0)).toBeUndefined();
  expect(rate.take('one', 1, RATES, 0)).toEqual({ of: 'subject', wait: 200 });
  for (let n = 0; n < 30; n++) expect(rate.take(`minted ${n}`, 1, RATES, 0)).toBeUndefined();
  expect(rate.take('minted 30', 1, RATES, 0)).toEqual({ of: 'total', wait: 50 });
  expect(rate.take('minted 30', 1, RATES, 50)).toBeUndefined();
});

it('takes nothing from the subject if all together have too little, and nothing from all if the subject has', () => {
  const rate = new SharedRate();
  rate.take('hog', 1_000, { subject: 1, total: 20 }, 0);
  for (let n = 0; n < 100; n++) expect(rate.take('other', 1, RATES, 0)).toMatchObject({ of: 'total' });
  const lots = { subject: 5, total: 1_000_000 };
  for (let n = 0; n < 10; n++) expect(rate.take('other', 1, lots, 1_000)).toBeUndefined();
  for (let n = 0; n < 100; n++) expect(rate.take('other', 1, lots, 1_000)).toMatchObject({ of: 'subject' });
  expect(rate.take('third', 1, lots, 1_000)).toBeUndefined();
});

it('lets a subject go below zero, and refuses it until that is paid back', () => {
  const rate = new SharedRate(60);
  const bytes = { subject: 100, total: 100_000 };
  expect(rate.take('reader', 9_000, bytes, 0)).toBeUndefined();
  expect(rate.take('reader', 0, bytes, 0)).toEqual({ of: 'subject', wait: 30_010 });
  expect(rate.take('reader', 0, bytes, 30_010)).toBeUndefined();
});

it('remembers nobody whose bucket is full: a million subjects do not stay', () => {
  const rate = new SharedRate();
  const rates = { subject: 50, total: 10_000 };
  let [largest, refused] = [0, 0];
  for (let n = 0; n < 1_000_000; n++) {
    if (rate.take(`sub:${n}`, 1, rates, n / 10)) refused++;
    largest = Math.max(largest, rate.size);
  }
  expect(refused).toBe(0);
  // A bucket is full again after 20 ms, in which there are 200 new ones.
  expect(largest).toBeLessThanOrEqual(500);
});

it('remembers nobody who was refused or only asked', () => {
  const rate = new SharedRate();
  rate.take('hog', 1_000, { subject: 1_000, total: 20 }, 0);
  for (let n = 0; n < 1_000; n++) rate.take(`refused ${n}`, 1, RATES, 0);
  for (let n = 0; n < 1_000; n++) rate.take(`asking ${n}`, 0, RATES, 1_000_000);
  expect(rate.size).toBe(1);
});

it('is not blocked for ever by a clock that was set back by a year', () => {
  const rate = new SharedRate();
  const year = 365 * 86_400_000;
  for (let n = 0; n < 10; n++) rate.take('one', 1, RATES, year);
  expect(rate.take('one', 1, RATES, 0)).toEqual({ of: 'subject', wait: 200 });
  expect(rate.take('one', 1, RATES, 200)).toBeUndefined();
});

it('never grants more than the burst and the rate, to a subject or to all, whatever the clock does', () => {
  const steps = fc.array(
    fc.record({
      subject: fc.integer({ min: 0, max: 8 }),
      count: fc.integer({ min: 1, max: 5 }),
      pause: fc.integer({ min: -2_000, max: 500 }),
    }),
    { maxLength: 300 },
  );
  fc.assert(
    fc.property(steps, (requests) => {
      const rate = new SharedRate();
      let now = 1_000_000;
      let elapsed = 0;
      const granted = new Map<string, number>();
      let total = 0;
      for (const { subject, count, pause } of requests) {
        now += pause;
        elapsed += Math.max(0, pause);
        const name = `sub:${subject}`;
        if (rate.take(name, count, RATES, now)) continue;
        const own = (granted.get(name) ?? 0) + count;
        granted.set(name, own);
        total += count;
        // The last request may be a debt, except for the one token that had to be there.
        expect(own).toBeLessThanOrEqual(2 * RATES.subject + (elapsed * RATES.subject) / 1_000 + count);
        expect(total).toBeLessThanOrEqual(2 * RATES.total + (elapsed * RATES.total) / 1_000 + count);
      }
    }),
  );
});
