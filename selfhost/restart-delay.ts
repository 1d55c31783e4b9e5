/** When a process that has ended is started again. Pure. @module */

/** A process that ran this long has started successfully, so its end says nothing about the next start. */
const STABLE_AFTER_MS = 3_000;
const FIRST_DELAY_MS = 100;
/** Short enough that clients are back within five seconds, and long enough that a machine can bear it. */
const MAX_DELAY_MS = 2_000;

/**
 * Returns the time until the next start in milliseconds, and the number of failures for the next call.
 * @param failures times in a row that it ended soon after its start
 * @param ranForMs how long it ran now
 */
export function restartDelayMs(
  failures: number,
  ranForMs: number,
): { readonly delayMs: number; readonly failures: number } {
  const before = ranForMs >= STABLE_AFTER_MS ? 0 : failures;
  return { delayMs: Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** before), failures: before + 1 };
}
