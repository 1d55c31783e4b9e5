import { expect, test } from 'vitest';
import { closedLoop } from './closed-loop.ts';

test('runs each operation once, and never more than so many at a time', async () => {
  const seen: number[] = [];
  let [now, most] = [0, 0];
  const { took, elapsed } = await closedLoop(
    { count: 10, limitMs: Number.POSITIVE_INFINITY },
    3,
    async (k) => {
      seen.push(k);
      most = Math.max(most, ++now);
      await new Promise((resume) => setImmediate(resume));
      now--;
    },
  );
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(most).toBe(3);
  expect(took).toHaveLength(10);
  expect(elapsed).toBeGreaterThan(0);
});

test('rejects where an operation fails', async () => {
  const failing = closedLoop({ count: 4, limitMs: Number.POSITIVE_INFINITY }, 2, (k) =>
    k === 3 ? Promise.reject(new Error('no')) : Promise.resolve(),
  );
  await expect(failing).rejects.toThrow('no');
});

test('begins none when its time is up, and waits for those under way', async () => {
  const { took } = await closedLoop(
    { count: 1_000, limitMs: 20 },
    2,
    () => new Promise((resume) => setTimeout(resume, 15)),
  );
  expect(took).toHaveLength(4);
});
