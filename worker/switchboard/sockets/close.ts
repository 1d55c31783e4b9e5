/** How the edge closes sockets. @module */
import { closeReason } from '../../../shared/protocol/close-reason.ts';
import { notification } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { attachmentOf, isLive, wantsOriginal } from './attachments.ts';

/** Codes that must not be sent (RFC 6455 §7.4.1). */
const RESERVED_CLOSE_CODES = [1004, 1005, 1006, 1015];

/**
 * Closes a socket at once, whichever event runs. A client is told with the notification `Closing` first: where the event is
 * not one of this socket, the platform keeps TCP open until the client ends it or the object hibernates, and until then
 * many WebSocket clients do not report the Close frame that they have received. The socket counts until `webSocketClose`.
 */
export function closeWithNotice(socket: WebSocket, code: number, text: string): void {
  if (!isLive(socket)) return;
  const reason = closeReason(text);
  const attachment = attachmentOf(socket);
  // A stream ends in the Worker, and adapters do not wait for the end of TCP.
  if (attachment.kind === 'client' && !attachment.stream && !wantsOriginal(socket))
    socket.send(JSON.stringify(notification('Closing', { code, reason })));
  socket.close(code, reason);
}

/** Closes a socket that the other end has closed, with the same code if it may be sent. */
export function closeInReturn(socket: WebSocket, code: number, reason: string): void {
  const isSendable = code >= 1000 && code < 5000 && !RESERVED_CLOSE_CODES.includes(code);
  socket.close(isSendable ? code : 1000, closeReason(reason));
}
