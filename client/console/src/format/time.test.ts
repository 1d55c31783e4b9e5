/** Tests the format of durations. */
import { expect, it } from 'vitest';
import { formatDuration } from './time.ts';

it.each([
  [-1, '0:00'],
  [7_999, '0:07'],
  [750_000, '12:30'],
  [3_723_000, '1:02:03'],
])('formats %i ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
