/** Makes the code and the reason of a Close frame sendable, whatever the other end has sent. @module */
import { closeReason } from '../../../shared/protocol/close-reason.ts';

/** Codes that must not be sent (RFC 6455 §7.4.1). */
const RESERVED_CLOSE_CODES = [1004, 1005, 1006, 1015];

/** Closes a socket that the other end has closed, with the same code if it may be sent. */
export function closeInReturn(socket: WebSocket, code: number, reason: string): void {
  const isSendable = code >= 1000 && code < 5000 && !RESERVED_CLOSE_CODES.includes(code);
  socket.close(isSendable ? code : 1000, closeReason(reason));
}
