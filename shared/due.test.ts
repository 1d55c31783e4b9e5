import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Due } from './due.ts';

const step = fc.oneof(
  fc.record({ do: fc.constant('note'), what: fc.nat(30), at: fc.nat(100) }),
  fc.record({ do: fc.constant('forget'), what: fc.nat(30), at: fc.constant(0) }),
  fc.record({ do: fc.constant('take'), what: fc.constant(0), at: fc.nat(100) }),
);

it('always knows the earliest of all, and gives those that are due in their order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const due = new Due<number>();
      const model = new Map<number, number>();
      for (const { do: verb, what, at } of steps) {
        if (verb === 'note') {
          due.note(what, at);
          model.set(what, Math.min(at, model.get(what) ?? at));
        } else if (verb === 'forget') {
          due.forget(what);
          model.delete(what);
        } else {
          const earliest = Math.min(...model.values());
          const taken = due.take(at);
          if (earliest > at) expect(taken).toBeUndefined();
          else expect(model.get(taken ?? -1)).toBe(earliest);
          if (taken !== undefined) model.delete(taken);
        }
        expect(due.first).toBe(Math.min(...model.values()));
      }
    }),
  );
});

it('of a million times that were noted and forgotten nothing is left', () => {
  const due = new Due<object>();
  const lasting = {};
  due.note(lasting, 2_000_000);
  for (let at = 1_000_000; at > 0; at--) {
    const passing = {};
    due.note(passing, at);
    due.forget(passing);
  }
  expect(due.first).toBe(2_000_000);
  expect(due.take(2_000_000)).toBe(lasting);
  expect(due.first).toBe(Number.POSITIVE_INFINITY);
});
