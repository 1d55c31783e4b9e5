import { describe, expect, test } from 'vitest';
import { median, quantile, spread } from './statistics.ts';

describe('median', () => {
  test('is the middle value, whatever the order of the values', () => expect(median([10, 9, 100])).toBe(10));
  test('is the mean of the two middle values if their number is even', () =>
    expect(median([4, 1, 2, 3])).toBe(2.5));
  test('of one value is that value', () => expect(median([7])).toBe(7));
  test('of an empty set is NaN', () => expect(median([])).toBeNaN());
  test('does not sort its argument', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  test('0.99 of a hundred values leaves one value above it', () => expect(quantile(hundred, 0.99)).toBe(99));
  test('0 is the minimum, 1 the maximum', () =>
    expect([quantile(hundred, 0), quantile(hundred, 1)]).toEqual([1, 100]));
  test('is always one of the values', () => expect(quantile([1, 2], 0.5)).toBe(1));
  test('of an empty set is NaN', () => expect(quantile([], 0.5)).toBeNaN());
});

describe('spread', () => {
  test('is the range relative to the median', () => expect(spread([9, 10, 11])).toBeCloseTo(0.2));
  test('of equal values is 0', () => expect(spread([5, 5])).toBe(0));
  test('of an empty set is NaN', () => expect(spread([])).toBeNaN());
});
