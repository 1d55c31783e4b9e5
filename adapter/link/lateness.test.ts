import { expect, it } from 'vitest';
import { LatenessMeter } from './lateness.ts';

const DAY_MS = 86_400_000;

it('tells how much later than the fastest message one arrives, whatever the clocks show', () => {
  const meter = new LatenessMeter();
  expect(meter.observe(1_000_000, 80)).toBe(0);
  expect(meter.observe(1_000_100, 130)).toBe(0);
  expect(meter.observe(1_001_000, 1_030)).toBeCloseTo(0);
  expect(meter.observe(1_002_000, 10_030)).toBeCloseTo(8_000 - 4.5, 1);
});

it('does not take clocks that drift apart for a late message', () => {
  const meter = new LatenessMeter();
  for (let day = 0; day < 30; day++) expect(meter.observe(day * DAY_MS, day * DAY_MS * 1.000_4)).toBe(0);
});

it('takes a clock that was set back for one late message, and no more', () => {
  const meter = new LatenessMeter();
  meter.observe(60_000, 0);
  expect(meter.observe(10_000, 1_000)).toBeGreaterThan(50_000);
  expect(meter.observe(12_000, 3_010)).toBe(0);
  expect(meter.observe(13_000, 4_020)).toBeLessThan(20);
});

it('takes messages that arrive together for late, however many they are, and the next outage as well', () => {
  const meter = new LatenessMeter();
  meter.observe(0, 0);
  for (const sentAt of [1_000, 1_000, 1_001, 4_000])
    expect(meter.observe(sentAt, 11_000)).toBeGreaterThan(6_000);
  expect(meter.observe(12_000, 12_000)).toBe(0);
  for (const sentAt of [20_000, 20_001]) expect(meter.observe(sentAt, 30_000)).toBeGreaterThan(9_000);
});
