/**
 * The delay before the next attempt to connect.
 * @module
 */

/**
 * Returns the delay in milliseconds, with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015):
 * a random time between `minMs` and a bound that doubles with each consecutive failure up to `maxMs`. So many adapters
 * do not reconnect at the same moment.
 * @param failures consecutive failures, including the last one
 * @param random from 0 to 1
 */
export function backoffDelayMs(failures: number, minMs: number, maxMs: number, random: number): number {
  const boundMs = Math.min(maxMs, minMs * 2 ** Math.max(1, failures));
  return minMs + random * Math.max(0, boundMs - minMs);
}
