/** Why a client that has not read enough may not read more. @module */
import type { LimitExceeded } from './limits.ts';

/** The responses to a batch are too long together. */
export const REPLY_TOO_LONG: LimitExceeded = {
  limit: 'unread_bytes',
  retryAfter: 1,
  reason:
    'The responses to the requests of this batch are too long together. Send the others in another batch, when you have read these.',
};

/** Returns the refusal for a socket that is behind. */
export function unread(retryAfter: number): LimitExceeded {
  const reason = 'Too much of what this socket was sent may be unread. Wait, or connect with ack=1.';
  return { limit: 'unread_bytes', retryAfter, reason };
}
