/** What may wait for the readers of all event streams. */
import { expect, it } from 'vitest';
import { StreamBuffers } from './stream-buffers.ts';

const KB = 1_024;

it('ends a slow reader when all readers together have too much waiting, and no fast one', () => {
  const buffers = new StreamBuffers(512 * KB);
  const [slow, slower, fast] = [buffers.open(), buffers.open(), buffers.open()];
  slow.set(256 * KB);
  slower.set(256 * KB);
  fast.set(KB);
  expect([slow, slower, fast].map(({ isOverBudget }) => isOverBudget)).toEqual([true, true, false]);
  slow.close();
  slow.set(256 * KB);
  expect(slower.isOverBudget).toBe(false);
});
