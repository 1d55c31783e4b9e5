/** When a site is dialed again after a failure. Pure. @module */

/** The longest delay after the first failure, and after many. It doubles with each failure. */
const DELAY_MS = { first: 200, max: 30_000 } as const;

/** A command that waits may have its site dialed this long after the last attempt began, in milliseconds, whatever the delay. */
export const URGENT_INTERVAL_MS = 1_000;

/** A link that lasted this long, in milliseconds, has worked: its end is no failure. */
export const STABLE_AFTER_MS = 10_000;

/**
 * Returns the milliseconds until the next attempt: half of the delay at least, and the rest at random, so that the sites of an edge that
 * was restarted are not dialed together.
 * @param failures attempts that have failed in a row; 0 for a link that was lost
 * @param random from 0 to 1
 */
export function redialDelayMs(failures: number, random: number): number {
  const longest = Math.min(DELAY_MS.max, DELAY_MS.first * 2 ** Math.max(0, failures - 1));
  return Math.round((longest * (1 + random)) / 2);
}
