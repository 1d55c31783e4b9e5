import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './heap.ts';

test('the heap gives things back by time, and of equal times in the order of pushing', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (times) => {
      const heap = new Heap();
      for (const [order, at] of times.entries()) heap.push({ at, order, run: () => {} });
      const popped = times.map(() => heap.pop()).map((item) => [item?.at, item?.order]);
      const sorted = times.map((at, order) => [at, order]).toSorted((a, b) => Number(a[0]) - Number(b[0]));
      expect(popped).toEqual(sorted);
      expect(heap.first).toBeUndefined();
    }),
  );
});
