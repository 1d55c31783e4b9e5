import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TaskHeap } from './task-heap.ts';

test('returns tasks by due time, and tasks with equal due times in the order of pushing', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const heap = new TaskHeap();
      for (const [sequence, dueAt] of times.entries()) heap.push({ dueAt, sequence, run: () => {} });
      const popped = times.map(() => heap.pop()).map((task) => [task?.dueAt, task?.sequence]);
      const sorted = times
        .map((dueAt, sequence) => [dueAt, sequence])
        .toSorted((a, b) => Number(a[0]) - Number(b[0]));
      expect(popped).toEqual(sorted);
      expect(heap.first).toBeUndefined();
    }),
  );
});
