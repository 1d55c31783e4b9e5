/**
 * How long to wait before the next try.
 * @module
 */

/**
 * Full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015): anything from `least` to a
 * bound that doubles with each failure in a row up to `most`, so that many adapters do not come back at once.
 * Milliseconds.
 * @param failures in a row, the last one included
 * @param random from 0 to 1
 */
export function backoff(failures: number, least: number, most: number, random: number): number {
  const bound = Math.min(most, least * 2 ** Math.max(1, failures));
  return least + random * Math.max(0, bound - least);
}
