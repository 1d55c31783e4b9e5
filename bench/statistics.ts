/** Median, quantile and spread of a set of measurements. Pure. Each returns NaN for an empty set. @module */

/** Returns the middle value, or the mean of the two middle values if their number is even. */
export function median(values: readonly number[]): number {
  const sorted = sortAscending(values);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** Returns the smallest value that at least the share `q` (0 to 1) of all values does not exceed (nearest rank). */
export function quantile(values: readonly number[], q: number): number {
  const rank = Math.ceil(values.length * q);
  return sortAscending(values)[Math.max(rank, 1) - 1] ?? Number.NaN;
}

/** Returns the range of the values relative to their median: (max - min) / median. */
export function spread(values: readonly number[]): number {
  return (quantile(values, 1) - quantile(values, 0)) / median(values);
}

/** Typed arrays sort numerically, several times as fast as an array with a comparison function. */
function sortAscending(values: readonly number[]): Float64Array {
  return Float64Array.from(values).sort();
}
