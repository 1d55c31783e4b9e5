/** Extracts credentials and WebSocket subprotocols from requests. @module */

/** The subprotocol of the edge, and the only one that it ever selects. */
export const SUBPROTOCOL = 'call-api.v1';

/** Prefix of a key or token that is offered as a subprotocol: a browser's WebSocket can send no headers. */
const CREDENTIAL_PREFIX = 'call-api.token.';

/** Returns the first credential found in `Authorization`, the subprotocols and the query, in this order. */
export function extractCredential(request: Request): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get('Authorization') ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const offered = offeredSubprotocols(request).find((protocol) => protocol.startsWith(CREDENTIAL_PREFIX));
  if (offered !== undefined) return offered.slice(CREDENTIAL_PREFIX.length);
  return new URL(request.url).searchParams.get('access_token') ?? undefined;
}

/**
 * Returns whether a request offers {@link SUBPROTOCOL}. A client that offers subprotocols and finds none selected fails
 * the connection (RFC 6455 §4.1).
 */
export function offersSubprotocol(request: Request): boolean {
  return offeredSubprotocols(request).includes(SUBPROTOCOL);
}

function offeredSubprotocols(request: Request): string[] {
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') return [];
  return (request.headers.get('Sec-WebSocket-Protocol') ?? '').split(',').map((protocol) => protocol.trim());
}
