/** The queue between one who tells and one who reads. */
import { expect, it } from 'vitest';
import { Queue } from './queue.ts';

it('gives what was put in, in order, before and after it is asked for', async () => {
  const queue = new Queue<number>(() => {});
  const early = [queue.next(), queue.next()];
  for (const n of [1, 2, 3]) queue.put(n);
  queue.end();
  queue.put(4);
  expect((await Promise.all(early)).map(({ value }) => value)).toEqual([1, 2]);
  expect(await queue.next()).toEqual({ done: false, value: 3 });
  expect(await queue.next()).toEqual({ done: true, value: undefined });
});

it('a failure comes after what is there, once', async () => {
  const queue = new Queue<number>(() => {});
  queue.put(1);
  queue.fail(new Error('lost'));
  queue.fail(new Error('again'));
  expect((await queue.next()).value).toBe(1);
  await expect(queue.next()).rejects.toThrow('lost');
  expect((await queue.next()).done).toBe(true);
});

it('who leaves a loop is heard, and nothing is kept for it', async () => {
  let hasLeft = false;
  const queue = new Queue<number>(() => {
    hasLeft = true;
  });
  for (const n of [1, 2, 3]) queue.put(n);
  for await (const _ of queue) break;
  queue.put(4);
  expect([hasLeft, queue.size]).toEqual([true, 0]);
});
