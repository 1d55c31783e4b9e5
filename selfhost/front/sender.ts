/** Tells the senders of requests apart, so that each gets its share. Pure. @module */
import type { IncomingMessage } from 'node:http';

/**
 * Returns the credential of a request, or the address of a client that has none. Nobody has verified it: who makes up credentials gets a
 * share for each, but takes none from a credential that it does not know.
 */
export function senderOf({ headers, url = '', socket }: IncomingMessage): string {
  const { authorization, 'sec-websocket-protocol': subprotocols = '' } = headers;
  return (
    authorization ??
    /(?:^|[ ,])call-api\.token\.[^ ,]*/.exec(subprotocols)?.[0] ??
    /[?&]access_token=[^&]*/.exec(url)?.[0] ??
    socket.remoteAddress ??
    ''
  );
}
