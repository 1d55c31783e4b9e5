/** Tests the queue. */
import { expect, it } from 'vitest';
import { Queue } from './queue.ts';

it('delivers items in order, to reads before and after them', async () => {
  const queue = new Queue<number>(() => {});
  const earlyReads = [queue.next(), queue.next()];
  for (const n of [1, 2, 3]) queue.put(n);
  queue.end();
  queue.put(4);
  expect((await Promise.all(earlyReads)).map(({ value }) => value)).toEqual([1, 2]);
  expect(await queue.next()).toEqual({ done: false, value: 3 });
  expect(await queue.next()).toEqual({ done: true, value: undefined });
});

it('rejects once, after the remaining items', async () => {
  const queue = new Queue<number>(() => {});
  queue.put(1);
  queue.fail(new Error('lost'));
  queue.fail(new Error('again'));
  expect((await queue.next()).value).toBe(1);
  await expect(queue.next()).rejects.toThrow('lost');
  expect((await queue.next()).done).toBe(true);
});

it('calls back and drops all items when the reader leaves its loop', async () => {
  let hasReturned = false;
  const queue = new Queue<number>(() => {
    hasReturned = true;
  });
  for (const n of [1, 2, 3]) queue.put(n);
  for await (const _ of queue) break;
  queue.put(4);
  expect([hasReturned, queue.size]).toEqual([true, 0]);
});
