import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LogPositions } from './log-positions.ts';

const step = fc.oneof(
  fc.record({ type: fc.constant('record'), items: fc.array(fc.nat(20), { maxLength: 5 }) }),
  fc.record({ type: fc.constant('forget'), items: fc.array(fc.nat(20), { minLength: 1, maxLength: 1 }) }),
);

it('knows the oldest of the newest copies, and the items whose newest copy is before a position', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), fc.nat(100), (steps, before) => {
      const positions = new LogPositions<number>();
      const expected = new Map<number, number>();
      steps.forEach(({ type, items }, position) => {
        if (type === 'record') {
          positions.record(position, items);
          for (const item of items) expected.set(item, position);
        } else {
          for (const item of items) positions.forget(item);
          for (const item of items) expected.delete(item);
        }
        expect(positions.oldest).toBe(Math.min(...expected.values()));
      });
      const expectedItems = [...expected].filter(([, position]) => position < before).map(([item]) => item);
      const found = [...positions.storedBefore(before)];
      expect(found.toSorted()).toEqual(expectedItems.toSorted());
      const foundPositions = found.map((item) => expected.get(item) ?? -1);
      expect(foundPositions).toEqual(foundPositions.toSorted((a, b) => a - b));
    }),
  );
});

it('stays fast in a long log in which one item is never recorded again', () => {
  const positions = new LogPositions<string>();
  positions.record(0, ['old']);
  for (let position = 1; position <= 100_000; position++) positions.record(position, ['new']);
  expect(positions.oldest).toBe(0);
  positions.forget('old');
  expect(positions.oldest).toBe(100_000);
});
