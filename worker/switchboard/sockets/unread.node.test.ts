/** What counts as unread, of one socket and of all sockets of an isolate. */
import { expect, it } from 'vitest';
import { ASSUMED_READ_RATE, UnreadBudget, type UnreadShare } from './unread-budget.ts';
import { UnreadBytes } from './unread-bytes.ts';

const KB = 1_024;

it('counts what was sent as read after a while, unless the client owes a token', () => {
  const unread = new UnreadBytes();
  unread.add(128 * KB, 0);
  expect(unread.at(1_000)).toBe(128 * KB - ASSUMED_READ_RATE);
  unread.addToken('one', 1_000);
  unread.add(10 * KB, 1_000);
  expect(unread.at(3_600_000)).toBe(74 * KB);
  expect(unread.prove('another', 3_600_000)).toBeUndefined();
  expect(unread.prove('one', 3_600_000)).toBe(64 * KB);
  expect(unread.at(3_600_000)).toBe(10 * KB);
  expect(unread.at(3_601_000)).toBe(0);
});

it('takes a token as the proof of everything before it, and takes it once', () => {
  const unread = new UnreadBytes();
  for (const token of ['one', 'two', 'three']) {
    unread.add(KB, 0);
    unread.addToken(token, 0);
  }
  expect(unread.prove('two', 0)).toBe(2 * KB);
  expect(unread.prove('one', 0)).toBeUndefined();
  expect(unread.prove('two', 0)).toBeUndefined();
  expect(unread.at(0)).toBe(KB);
});

it('counts nothing as read while the clock is set back', () => {
  const unread = new UnreadBytes();
  unread.add(KB, 1_000_000);
  expect(unread.at(0)).toBe(KB);
});

it('condemns the socket with the most unread bytes when all have too many, and none with few', () => {
  const budget = new UnreadBudget(4_096 * KB);
  const shares = Array.from(
    { length: 12 },
    (): UnreadShare => ({ bytes: 0, countedAt: 0, isCondemned: false }),
  );
  const [hog, ...others] = shares;
  if (!hog) throw new Error('There are twelve.');
  budget.change(hog, 2_048 * KB, 0);
  for (const share of others) budget.change(share, 250 * KB, 0);
  expect(shares.filter(({ isCondemned }) => isCondemned)).toEqual([hog]);
  const [first] = others;
  if (!first) throw new Error('There are eleven.');
  budget.change(first, 5 * KB, 0);
  expect(shares.filter(({ isCondemned }) => isCondemned)).toEqual([hog]);
});

it('forgets what would have been read by now', () => {
  const budget = new UnreadBudget(1_024 * KB);
  const share = (): UnreadShare => ({ bytes: 0, countedAt: 0, isCondemned: false });
  const [old, later] = [share(), share()];
  budget.change(old, 1_000 * KB, 0);
  budget.change(later, 1_000 * KB, 16_000);
  expect([old, later].map(({ isCondemned }) => isCondemned)).toEqual([false, false]);
  expect(old.bytes).toBe(0);
});

it('remembers no socket for long that was closed: a hundred thousand short connections do not stay', () => {
  const budget = new UnreadBudget();
  let largest = 0;
  for (let n = 0; n < 100_000; n++) {
    budget.change({ bytes: 0, countedAt: 0, isCondemned: false }, 200, 10 * n);
    largest = Math.max(largest, budget.size);
  }
  expect(largest).toBeLessThan(10);
});
