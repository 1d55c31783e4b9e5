import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Copies } from './copies.ts';

const step = fc.oneof(
  fc.record({ do: fc.constant('store'), things: fc.array(fc.nat(20), { maxLength: 5 }) }),
  fc.record({ do: fc.constant('forget'), things: fc.array(fc.nat(20), { minLength: 1, maxLength: 1 }) }),
);

it('knows the oldest of the newest copies, and which stand before a position', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), fc.nat(100), (steps, before) => {
      const copies = new Copies<number>();
      const model = new Map<number, number>();
      steps.forEach(({ do: verb, things }, position) => {
        if (verb === 'store') {
          copies.stored(position, things);
          for (const thing of things) model.set(thing, position);
        } else {
          for (const thing of things) copies.forget(thing);
          for (const thing of things) model.delete(thing);
        }
        expect(copies.oldest).toBe(Math.min(...model.values()));
      });
      const old = [...model].filter(([, position]) => position < before);
      const found = [...copies.before(before)];
      expect(found.toSorted()).toEqual(old.map(([thing]) => thing).toSorted());
      const positions = found.map((thing) => model.get(thing) ?? -1);
      expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    }),
  );
});

it('keeps up with a long log of which one thing is never stored again', () => {
  const copies = new Copies<string>();
  copies.stored(0, ['still']);
  for (let position = 1; position <= 100_000; position++) copies.stored(position, ['moving']);
  expect(copies.oldest).toBe(0);
  copies.forget('still');
  expect(copies.oldest).toBe(100_000);
});
