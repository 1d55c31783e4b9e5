/** Calls are busy while many messages arrive, and for a moment afterwards. */
import { expect, it } from 'vitest';
import { BUSY_MESSAGE_COUNT, LoadMeter } from './load-meter.ts';

/** Records messages at a rate, and returns the time of the last one. */
function recordMessages(load: LoadMeter, start: number, count: number, perMs: number): number {
  for (let i = 0; i < count; i++) load.record(start + Math.floor(i / perMs));
  return start + Math.floor((count - 1) / perMs);
}

it('is not busy with few messages', () => {
  const load = new LoadMeter();
  expect(load.isBusy(1_000)).toBe(false);
  const end = recordMessages(load, 1_000, 10 * BUSY_MESSAGE_COUNT, 0.7);
  expect(load.isBusy(end)).toBe(false);
});

it('is busy from the first busy window until a second after the last one', () => {
  const load = new LoadMeter();
  const end = recordMessages(load, 1_000, 10 * BUSY_MESSAGE_COUNT, 2);
  for (const after of [0, 1, 50, 999]) expect(load.isBusy(end + after)).toBe(true);
  expect(load.batchWindowMs(end)).toBe(250);
  expect(load.isBusy(end + 1_000)).toBe(false);
  expect(load.batchWindowMs(end + 1_000)).toBe(50);
});

it('stays busy between frequent bursts', () => {
  const load = new LoadMeter();
  let now = 1_000;
  for (let burst = 0; burst < 5; burst++) {
    now = recordMessages(load, now, BUSY_MESSAGE_COUNT, 2) + 900;
    expect(load.isBusy(now)).toBe(true);
    load.record(now);
  }
});

it('recovers from a clock that is set back', () => {
  const load = new LoadMeter();
  recordMessages(load, 1_000_000, 200, 2);
  expect(load.isBusy(5_000)).toBe(false);
  recordMessages(load, 5_000, 200, 2);
  expect(load.isBusy(5_099)).toBe(true);
});
