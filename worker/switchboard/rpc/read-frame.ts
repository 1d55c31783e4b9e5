/** Parses what a client sends on its socket. Pure. @module */
import { byteLength } from '../../../shared/protocol/byte-length.ts';
import {
  invalidMessage,
  type ParsedMessage,
  parseErrorOf,
  parseMessage,
} from '../../../shared/protocol/rpc/jsonrpc.ts';

/** Rejects what is not UTF-8, instead of replacing it. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * Returns the requests of a frame, or an error in their place if it cannot be read. A binary frame has its JSON in UTF-8, as a text frame
 * does: some clients send all that they have as bytes.
 * @param maxBytes the longest frame, in UTF-8
 */
export function readFrame(frame: string | ArrayBuffer, maxBytes: number): ParsedMessage {
  if (isTooLong(frame, maxBytes))
    return invalidMessage(`The message has more than ${maxBytes} bytes. Send a shorter one.`);
  const text = typeof frame === 'string' ? frame : decode(frame);
  return text === undefined
    ? parseErrorOf('The binary frame is not UTF-8. Send JSON in UTF-8.')
    : parseMessage(text);
}

/** A UTF-16 unit takes up to three bytes in UTF-8, so only texts that may be too long are measured. */
function isTooLong(frame: string | ArrayBuffer, maxBytes: number): boolean {
  if (typeof frame !== 'string') return frame.byteLength > maxBytes;
  return frame.length > maxBytes / 3 && byteLength(frame) > maxBytes;
}

function decode(frame: ArrayBuffer): string | undefined {
  try {
    return utf8.decode(frame);
  } catch {
    return undefined;
  }
}
