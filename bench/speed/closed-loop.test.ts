import { expect, onTestFinished, test, vi } from 'vitest';
import { runClosedLoop } from './closed-loop.ts';

test('runs each operation once, and no more than `inFlight` at a time', async () => {
  const started: number[] = [];
  let [running, maxRunning] = [0, 0];
  const { durationsMs, elapsedMs } = await runClosedLoop(
    { count: 10, limitMs: Number.POSITIVE_INFINITY },
    3,
    async (k) => {
      started.push(k);
      maxRunning = Math.max(maxRunning, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    },
  );
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(maxRunning).toBe(3);
  expect(durationsMs).toHaveLength(10);
  expect(elapsedMs).toBeGreaterThan(0);
});

test('rejects if an operation fails', async () => {
  const failing = runClosedLoop({ count: 4, limitMs: Number.POSITIVE_INFINITY }, 2, (k) =>
    k === 3 ? Promise.reject(new Error('failed')) : Promise.resolve(),
  );
  await expect(failing).rejects.toThrow('failed');
});

test('starts no operation after the time limit, and waits for those in progress', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const run = runClosedLoop(
    { count: 1_000, limitMs: 20 },
    2,
    () => new Promise((resolve) => setTimeout(resolve, 15)),
  );
  await vi.advanceTimersByTimeAsync(100);
  expect((await run).durationsMs).toHaveLength(4);
});
