import { expect, it } from 'vitest';
import { Slots } from './slots.ts';

it('gives slots to those that wait in turn, and not to those that have given up', () => {
  const slots = new Slots(2);
  const started: string[] = [];
  const take = (name: string) => slots.take(() => started.push(name));
  take('a');
  take('b');
  const giveUp = take('c');
  take('d');
  take('e');
  giveUp();
  expect(started).toEqual(['a', 'b']);
  expect(slots.waitingCount).toBe(2);
  slots.release();
  expect(started).toEqual(['a', 'b', 'd']);
  slots.release();
  expect(started).toEqual(['a', 'b', 'd', 'e']);
  slots.release();
  giveUp();
  take('f');
  take('g');
  expect(started).toEqual(['a', 'b', 'd', 'e', 'f']);
});
