/** Reasons of WebSocket close frames. @module */
import { byteLength } from './byte-length.ts';

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
