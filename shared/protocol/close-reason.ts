/** Reasons of WebSocket close frames. @module */

/** RFC 6455 §5.5: a control frame has at most 125 bytes, of which the code takes two. */
const MAX_REASON_BYTES = 123;

const ELLIPSIS = '…';
const ELLIPSIS_BYTES = 3;

/**
 * Returns a reason that fits into a close frame: a longer one is cut off and ends with `…`. A socket throws if it is to be closed with a
 * longer one, so every reason that contains a value must pass here.
 */
export function closeReason(text: string): string {
  // No character has less than one byte, so what is behind these does not fit in any case.
  const beginning = text.slice(0, MAX_REASON_BYTES + 1);
  const encoder = new TextEncoder();
  if (encoder.encode(beginning).length <= MAX_REASON_BYTES) return text;
  let reason = '';
  let bytes = ELLIPSIS_BYTES;
  for (const character of beginning) {
    bytes += encoder.encode(character).length;
    if (bytes > MAX_REASON_BYTES) break;
    reason += character;
  }
  return `${reason}${ELLIPSIS}`;
}
