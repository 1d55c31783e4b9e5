import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Slots } from './slots.ts';

it('gives slots to senders in turn, to the requests of each in order, and not to those that have given up', () => {
  const slots = new Slots(2);
  const started: string[] = [];
  const take = (name: string) => slots.take(name.slice(0, 1), () => started.push(name));
  take('a1');
  take('a2');
  const giveUp = take('a3');
  for (const name of ['a4', 'a5', 'a6', 'b1', 'b2', 'c1']) take(name);
  giveUp();
  giveUp();
  expect(slots.waitingCount).toBe(6);
  const next = () => {
    slots.release();
    return started.splice(0).join();
  };
  expect(started.splice(0)).toEqual(['a1', 'a2']);
  expect([next(), next(), next()]).toEqual(['a4', 'b1', 'c1']);
  take('c2');
  expect([next(), next(), next(), next(), next()]).toEqual(['a5', 'b2', 'c2', 'a6', '']);
  giveUp();
  take('d1');
  take('d2');
  expect(started).toEqual(['d1']);
});

it('starts everything, in the order of its sender, never more at a time than there are slots, and lets nobody wait for more than a turn of each', () => {
  const step = fc.oneof(
    fc.record({ sender: fc.constantFrom('a', 'b', 'c', 'd') }),
    fc.constant('release' as const),
    fc.record({ givesUp: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 4 }), (steps, count) => {
      const slots = new Slots(count);
      let inUse = 0;
      let nextId = 0;
      const waiting: {
        readonly id: number;
        readonly sender: string;
        passed: string[];
        giveUp: () => void;
      }[] = [];
      const onStart = (id: number, sender: string) => {
        inUse += 1;
        expect(inUse).toBeLessThanOrEqual(count);
        const index = waiting.findIndex((each) => each.id === id);
        if (index < 0) return;
        expect(waiting.find((each) => each.sender === sender)?.id, 'the oldest of its sender').toBe(id);
        waiting.splice(index, 1);
        const first = new Map(waiting.toReversed().map((each) => [each.sender, each]));
        for (const each of first.values()) each.passed.push(sender);
        for (const { passed } of first.values()) expect(new Set(passed).size).toBe(passed.length);
        for (const each of waiting) if (each.sender === sender) each.passed = [];
      };
      const release = () => {
        inUse -= 1;
        slots.release();
      };
      for (const each of steps) {
        if (each === 'release') {
          if (inUse > 0) release();
        } else if ('givesUp' in each) waiting.splice(each.givesUp, 1)[0]?.giveUp();
        else {
          const { sender } = each;
          const id = nextId++;
          const entry = { id, sender, passed: [], giveUp: () => {} };
          waiting.push(entry);
          entry.giveUp = slots.take(sender, () => onStart(id, sender));
        }
        expect(slots.waitingCount).toBe(waiting.length);
      }
      while (inUse > 0) release();
      expect(waiting).toEqual([]);
    }),
  );
});
