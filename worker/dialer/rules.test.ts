/** When a site is dialed again, and by which Dialer. */
import { expect, it } from 'vitest';
import { isBusy, isFull, isIdle } from './capacity.ts';
import { redialDelayMs } from './redial-delay.ts';

it.each([
  [0, 100, 200],
  [1, 100, 200],
  [2, 200, 400],
  [5, 1_600, 3_200],
  [8, 12_800, 25_600],
  [9, 15_000, 30_000],
  [1_000, 15_000, 30_000],
])('waits after %d failures at least %d ms and at most %d ms', (failures, least, most) => {
  expect([redialDelayMs(failures, 0), redialDelayMs(failures, 1)]).toEqual([least, most]);
});

it('has room for eight busy sites, and for two hundred with the idle ones', () => {
  const now = 1_000_000;
  const sites = (busy: number, idle: number) => [
    ...Array.from({ length: busy }, () => ({ activeAt: now - 59_999 })),
    ...Array.from({ length: idle }, () => ({ activeAt: now - 60_000 })),
  ];
  expect(isFull(sites(7, 192), now)).toBe(false);
  expect(isFull(sites(8, 0), now)).toBe(true);
  expect(isFull(sites(0, 199), now)).toBe(false);
  expect(isFull(sites(0, 200), now)).toBe(true);
  expect(isBusy(sites(7, 100), now)).toBe(false);
  expect(isBusy(sites(8, 100), now)).toBe(true);
  expect([isIdle(now - 60_000, now), isIdle(now - 59_999, now)]).toEqual([true, false]);
});
