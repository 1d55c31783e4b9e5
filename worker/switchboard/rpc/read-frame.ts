/** Parses what a client sends on its socket. Pure. @module */
import { byteLength } from '../../../shared/protocol/byte-length.ts';
import {
  errorCode,
  errorResponse,
  type ParsedMessage,
  parseMessage,
} from '../../../shared/protocol/rpc/jsonrpc.ts';

/**
 * Returns the requests of a frame, or an error in their place if it cannot be read.
 * @param maxBytes the longest frame, in UTF-8
 */
export function readFrame(frame: string | ArrayBuffer, maxBytes: number): ParsedMessage {
  if (typeof frame !== 'string') return unreadable('Binary frames are not supported. Send JSON as text.');
  // A UTF-16 unit takes up to three bytes in UTF-8, so only frames that may be too long are measured.
  const isTooLong = frame.length > maxBytes / 3 && byteLength(frame) > maxBytes;
  if (isTooLong) return unreadable(`The message has more than ${maxBytes} bytes. Send a shorter one.`);
  return parseMessage(frame);
}

function unreadable(data: string): ParsedMessage {
  const response = errorResponse(null, { code: errorCode.invalidRequest, message: 'Invalid Request', data });
  return { isBatch: false, entries: [{ errorResponse: response }] };
}
