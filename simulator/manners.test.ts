import { expect, test } from 'vitest';
import { BARESIP, KEEP, mannerOf } from './manners.ts';

test('the user chooses the manners; what follows a dot or a plus does not count', () => {
  expect(mannerOf('alice')).toBe(BARESIP);
  expect(mannerOf('somebody-else')).toBe(BARESIP);
  expect(mannerOf('keep.17')).toBe(KEEP);
  expect(mannerOf('keep+17.4')).toBe(KEEP);
  expect(mannerOf('nobody.3').refusedByScript).toBe('404 Not Found');
});

test('answer-N and ring-N answer after any number of milliseconds', () => {
  expect(mannerOf('answer-2000').answer).toEqual({ kind: 'answers', afterMs: 2_000 });
  expect(mannerOf('ring-35.7').answer).toEqual({ kind: 'answers', afterMs: 35 });
  expect(mannerOf('ring').answer).toEqual({ kind: 'rings' });
});

test('overrides come before names, one user before all of a name', () => {
  const overrides = { alice: KEEP, 'alice.2': BARESIP };
  expect(mannerOf('alice.1', overrides)).toBe(KEEP);
  expect(mannerOf('alice.2', overrides)).toBe(BARESIP);
});
