/** Calls are busy while they take many turns, and a little longer. */
import { expect, it } from 'vitest';
import { BUSY_TURNS, Load } from './load.ts';

/** Turns from one time on, so many in each millisecond. */
function run(load: Load, from: number, turns: number, perMs: number): number {
  for (let n = 0; n < turns; n++) load.turned(from + Math.floor(n / perMs));
  return from + Math.floor((turns - 1) / perMs);
}

it('nobody is busy who has done nothing, or little', () => {
  const load = new Load();
  expect(load.isBusy(1_000)).toBe(false);
  const end = run(load, 1_000, 10 * BUSY_TURNS, 0.9);
  expect(load.isBusy(end)).toBe(false);
});

it('who has much to do is busy from then on until it is over', () => {
  const load = new Load();
  const end = run(load, 1_000, 10 * BUSY_TURNS, 2);
  for (const after of [0, 1, 50, 99]) expect(load.isBusy(end + after)).toBe(true);
  expect(load.gatherMs(end)).toBe(250);
  expect(load.isBusy(end + 200)).toBe(false);
  expect(load.gatherMs(end + 200)).toBe(50);
});

it('between one span and the next it stays busy', () => {
  const load = new Load();
  run(load, 1_000, 200, 2);
  load.turned(1_100);
  expect(load.isBusy(1_100)).toBe(true);
  expect(load.isBusy(1_199)).toBe(true);
  expect(load.isBusy(1_200)).toBe(false);
});

it('a clock that was set back does no harm', () => {
  const load = new Load();
  run(load, 1_000_000, 200, 2);
  expect(load.isBusy(5_000)).toBe(false);
  run(load, 5_000, 200, 2);
  expect(load.isBusy(5_099)).toBe(true);
});
