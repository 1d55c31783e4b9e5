/** Reasons of WebSocket close frames. @module */

/** RFC 6455 §5.5: a control frame has at most 125 bytes, of which the code takes two. */
const MAX_REASON_BYTES = 123;

/** Returns a reason that fits into a close frame: a longer one is cut off and ends with `…`. */
export function closeReason(text: string): string {
  const encoder = new TextEncoder();
  if (encoder.encode(text).length <= MAX_REASON_BYTES) return text;
  const characters = [...text];
  const reason = () => `${characters.join('')}…`;
  while (encoder.encode(reason()).length > MAX_REASON_BYTES) characters.pop();
  return reason();
}
