/** @module */

/** Bits of a UUID's first two parts that hold its time in milliseconds: 48 (RFC 9562 §5.7). */
const TIME_DIGITS = 12;

/**
 * A name for a command that its client did not name: a UUID of version 7, so that new names stand side by side in the
 * index and not each on another page of it.
 */
export function commandId(now: number): string {
  const time = now.toString(16).padStart(TIME_DIGITS, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}
