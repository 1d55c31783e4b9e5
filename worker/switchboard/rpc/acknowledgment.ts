/** Recognizes the notification with which a client proves what it has read. Pure. @module */
import { parseMessage } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { ACKNOWLEDGE, AcknowledgeParams } from '../../../shared/protocol/rpc/service-methods.ts';

/** Characters of a frame with nothing but the notification. */
const MAX_FRAME_LENGTH = 256;

/**
 * Returns the token in a frame that is nothing but the notification `Acknowledge`; undefined for any other frame. One with a valid token is
 * not counted as a message: each token was paid for by what was sent before it.
 */
export function acknowledgedToken(frame: string | ArrayBuffer): string | undefined {
  if (typeof frame !== 'string' || frame.length > MAX_FRAME_LENGTH) return undefined;
  if (!frame.includes(`"${ACKNOWLEDGE}"`)) return undefined;
  const { entries, isBatch } = parseMessage(frame);
  const [entry] = entries;
  if (isBatch || !entry || !('method' in entry) || entry.method !== ACKNOWLEDGE || entry.id !== undefined)
    return undefined;
  return AcknowledgeParams.safeParse(entry.params).data?.token;
}
