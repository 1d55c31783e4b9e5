/** Calls are busy while much is said about them, and a little longer. */
import { expect, it } from 'vitest';
import { BUSY_MESSAGES, Load } from './load.ts';

/** Messages from one time on, so many in each millisecond. */
function run(load: Load, from: number, messages: number, perMs: number): number {
  for (let n = 0; n < messages; n++) load.heard(from + Math.floor(n / perMs));
  return from + Math.floor((messages - 1) / perMs);
}

it('nobody is busy who has done nothing, or little', () => {
  const load = new Load();
  expect(load.isBusy(1_000)).toBe(false);
  const end = run(load, 1_000, 10 * BUSY_MESSAGES, 0.7);
  expect(load.isBusy(end)).toBe(false);
});

it('who has much to do is busy from then on until it is over', () => {
  const load = new Load();
  const end = run(load, 1_000, 10 * BUSY_MESSAGES, 2);
  for (const after of [0, 1, 50, 999]) expect(load.isBusy(end + after)).toBe(true);
  expect(load.gatherMs(end)).toBe(250);
  expect(load.isBusy(end + 1_000)).toBe(false);
  expect(load.gatherMs(end + 1_000)).toBe(50);
});

it('who has much to do now and then stays busy between', () => {
  const load = new Load();
  let now = 1_000;
  for (let burst = 0; burst < 5; burst++) {
    now = run(load, now, BUSY_MESSAGES, 2) + 900;
    expect(load.isBusy(now)).toBe(true);
    load.heard(now);
  }
});

it('a clock that was set back does no harm', () => {
  const load = new Load();
  run(load, 1_000_000, 200, 2);
  expect(load.isBusy(5_000)).toBe(false);
  run(load, 5_000, 200, 2);
  expect(load.isBusy(5_099)).toBe(true);
});
