import { describe, expect, it } from 'vitest';
import { Lateness, withoutLostTime } from './lateness.ts';

const DAY_MS = 86_400_000;

const request = {
  type: 'mi',
  id: 'a',
  method: 't_uac_dlg',
  params: {},
  timeout_ms: 180_000,
  ttl_ms: 180_000,
} as const;

it('tells how much later than the fastest message one arrives, whatever the clocks show', () => {
  const lateness = new Lateness();
  expect(lateness.of(1_000_000, 80)).toBe(0);
  expect(lateness.of(1_000_100, 130)).toBe(0);
  expect(lateness.of(1_001_000, 1_030)).toBeCloseTo(0);
  expect(lateness.of(1_002_000, 10_030)).toBeCloseTo(8_000 - 4.5, 1);
});

it('does not take clocks that drift apart for a late message', () => {
  const lateness = new Lateness();
  for (let day = 0; day < 30; day++) expect(lateness.of(day * DAY_MS, day * DAY_MS * 1.000_4)).toBe(0);
});

it('notices a clock that was set back by the second late message', () => {
  const lateness = new Lateness();
  lateness.of(60_000, 0);
  expect(lateness.of(10_000, 1_000)).toBeGreaterThan(50_000);
  expect(lateness.isClockSet).toBe(false);
  expect(lateness.of(12_000, 3_010)).toBeGreaterThan(50_000);
  expect(lateness.isClockSet).toBe(true);
});

it('takes messages that arrive together for late, however many they are, and the next outage as well', () => {
  const lateness = new Lateness();
  lateness.of(0, 0);
  for (const sentAt of [1_000, 1_000, 1_001, 4_000])
    expect(lateness.of(sentAt, 11_000)).toBeGreaterThan(6_000);
  expect(lateness.of(12_000, 12_000)).toBe(0);
  for (const sentAt of [20_000, 20_001]) expect(lateness.of(sentAt, 30_000)).toBeGreaterThan(9_000);
  expect(lateness.isClockSet).toBe(false);
});

describe('a request that may have been held back together with the `welcome`', () => {
  it('counts from `hello`, and later ones from the `welcome`', () => {
    const lateness = new Lateness();
    lateness.onWelcome(1_000, 500_000, 9_000);
    expect(lateness.of(500_100, 9_000)).toBe(7_900);
    // The one before was 100 ms faster than the `welcome`.
    expect(lateness.of(508_001, 17_001)).toBeCloseTo(100 - 4, 0);
  });
});

describe('a late request', () => {
  it('has less time to be sent', () => {
    expect(withoutLostTime({ ...request, send_within_ms: 5_000 }, 2_000)).toMatchObject({
      timeout_ms: 180_000,
      ttl_ms: 178_000,
      send_within_ms: 3_000,
    });
  });

  it('has no time to live if it should have been sent by now', () => {
    expect(withoutLostTime({ ...request, send_within_ms: 5_000 }, 5_000)).toMatchObject({ ttl_ms: 0 });
  });

  it('is as it was if it is not late', () => {
    expect(withoutLostTime(request, 0)).toBe(request);
  });
});
