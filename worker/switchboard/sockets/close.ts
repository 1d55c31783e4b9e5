/** Makes the code and the reason of a Close frame sendable, whatever the other end has sent. @module */

/** Codes that must not be sent (RFC 6455 §7.4.1). */
const RESERVED_CLOSE_CODES = [1004, 1005, 1006, 1015];

/** A Close frame has 123 bytes for the reason (RFC 6455 §5.5); a UTF-16 unit takes up to three bytes in UTF-8. */
const MAX_REASON_CHARACTERS = 41;

/** Closes a socket that the other end has closed, with the same code if it may be sent. */
export function closeInReturn(socket: WebSocket, code: number, reason: string): void {
  const isSendable = code >= 1000 && code < 5000 && !RESERVED_CLOSE_CODES.includes(code);
  socket.close(isSendable ? code : 1000, reason.slice(0, MAX_REASON_CHARACTERS));
}
