/** What a set of measurements comes to. Pure; of no values there is no figure: NaN. @module */

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** The smallest value that at least the share `q` (0 to 1) of all does not exceed (nearest rank). */
export function quantile(values: readonly number[], q: number): number {
  const rank = Math.ceil(values.length * q);
  return ascending(values)[Math.max(rank, 1) - 1] ?? Number.NaN;
}

/** How far the values lie apart, as a share of their median: (max - min) / median. */
export function spread(values: readonly number[]): number {
  return (quantile(values, 1) - quantile(values, 0)) / median(values);
}

/** A typed array sorts numbers as numbers, and several times as fast as a comparison function does. */
function ascending(values: readonly number[]): Float64Array {
  return Float64Array.from(values).sort();
}
