/** Makes a `cmd_id` for a command that its client did not name. @module */

/** Hexadecimal digits of the 48 bits that hold the time in a UUID of version 7 (RFC 9562 §5.7). */
const TIME_DIGITS = 12;

/** Returns a UUID of version 7. Such ids rise, so new ones are neighbors in an index and not each on another page of it. */
export function commandId(now: number): string {
  const time = now.toString(16).padStart(TIME_DIGITS, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}
