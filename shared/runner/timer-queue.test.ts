import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TimerQueue } from './timer-queue.ts';

const step = fc.oneof(
  fc.record({ type: fc.constant('schedule'), item: fc.nat(30), at: fc.nat(100) }),
  fc.record({ type: fc.constant('cancel'), item: fc.nat(30), at: fc.constant(0) }),
  fc.record({ type: fc.constant('take'), item: fc.constant(0), at: fc.nat(100) }),
);

it('always knows the earliest time, and returns the items that are due in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new TimerQueue<number>();
      const expected = new Map<number, number>();
      for (const { type, item, at } of steps) {
        if (type === 'schedule') {
          queue.schedule(item, at);
          expected.set(item, Math.min(at, expected.get(item) ?? at));
        } else if (type === 'cancel') {
          queue.cancel(item);
          expected.delete(item);
        } else {
          const earliest = Math.min(...expected.values());
          const taken = queue.takeDue(at);
          if (earliest > at) expect(taken).toBeUndefined();
          else expect(expected.get(taken ?? -1)).toBe(earliest);
          if (taken !== undefined) expected.delete(taken);
        }
        expect(queue.nextAt).toBe(Math.min(...expected.values()));
      }
    }),
  );
});

it('keeps nothing of a million timers that were scheduled and canceled', () => {
  const queue = new TimerQueue<object>();
  const lasting = {};
  queue.schedule(lasting, 2_000_000);
  for (let at = 1_000_000; at > 0; at--) {
    const canceled = {};
    queue.schedule(canceled, at);
    queue.cancel(canceled);
  }
  expect(queue.nextAt).toBe(2_000_000);
  expect(queue.takeDue(2_000_000)).toBe(lasting);
  expect(queue.nextAt).toBe(Number.POSITIVE_INFINITY);
});
