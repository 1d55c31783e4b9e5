import { expect, test } from 'vitest';
import { FrozenPhones } from './frozen-phones.ts';

test('a frozen phone runs its tasks once, when it is thawed', () => {
  const phones = new FrozenPhones();
  const ran: string[] = [];
  phones.onThaw('bob', () => ran.push('not frozen yet'));
  phones.freeze('bob');
  phones.freeze('bob');
  phones.onThaw('bob', () => ran.push('bob'));
  expect([phones.has('bob'), phones.has('alice'), phones.has(undefined)]).toEqual([true, false, false]);
  phones.thaw('bob');
  phones.thaw('bob');
  expect(phones.has('bob')).toBe(false);
  expect(ran).toEqual(['bob']);
});

test('a dropped task does not run', () => {
  const phones = new FrozenPhones();
  const ran: string[] = [];
  phones.freeze('bob');
  phones.onThaw('bob', () => ran.push('bob'));
  phones.dropTasks();
  phones.thaw('bob');
  expect(ran).toEqual([]);
});
