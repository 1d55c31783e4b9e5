import { expect, it } from 'vitest';
import { restartDelayMs } from './restart-delay.ts';

it('doubles from 0.1 s to 2 s while a process ends soon after its start', () => {
  const delays: number[] = [];
  for (let count = 0, n = 0; n < 8; n++) {
    const { delayMs, failures } = restartDelayMs(count, 1_000);
    delays.push(delayMs);
    count = failures;
  }
  expect(delays).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
});

it('is short again after a process that ran', () => {
  expect(restartDelayMs(7, 3_000)).toEqual({ delayMs: 100, failures: 1 });
});
