import { describe, expect, test } from 'vitest';
import { median, quantile, spread } from './statistics.ts';

describe('median', () => {
  test('is the middle value, in whatever order they come', () => expect(median([10, 9, 100])).toBe(10));
  test('of an even number is the mean of the two in the middle', () =>
    expect(median([4, 1, 2, 3])).toBe(2.5));
  test('of one value is that value', () => expect(median([7])).toBe(7));
  test('of none is no number', () => expect(median([])).toBeNaN());
  test('leaves the values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  test('0.99 of a hundred values leaves one above it', () => expect(quantile(hundred, 0.99)).toBe(99));
  test('0 is the least, 1 the greatest', () =>
    expect([quantile(hundred, 0), quantile(hundred, 1)]).toEqual([1, 100]));
  test('is always one of the values', () => expect(quantile([1, 2], 0.5)).toBe(1));
  test('of none is no number', () => expect(quantile([], 0.5)).toBeNaN());
});

describe('spread', () => {
  test('is the range as a share of the median', () => expect(spread([9, 10, 11])).toBeCloseTo(0.2));
  test('of equal values is nothing', () => expect(spread([5, 5])).toBe(0));
  test('of none is no number', () => expect(spread([])).toBeNaN());
});
