/** Reasons of WebSocket close frames. @module */

/** RFC 6455 §5.5: a control frame has at most 125 bytes, of which the code takes two. */
const MAX_REASON_BYTES = 123;

const ELLIPSIS = '…';

/**
 * Returns a reason that fits into a close frame: a longer one is cut off and ends with `…`. A socket throws if it is to be closed with a
 * longer one, so every reason that contains a value must pass here.
 */
export function closeReason(text: string): string {
  let reason = '';
  let bytes = 0;
  let cutAt = 0;
  for (const character of text) {
    bytes += byteLength(character);
    if (bytes > MAX_REASON_BYTES) return `${reason.slice(0, cutAt)}${ELLIPSIS}`;
    reason += character;
    if (bytes + byteLength(ELLIPSIS) <= MAX_REASON_BYTES) cutAt = reason.length;
  }
  return text;
}

/** Returns the bytes of a character in UTF-8 (RFC 3629 §3). Half a surrogate pair is sent as U+FFFD, which has three. */
function byteLength(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}
