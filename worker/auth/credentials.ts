/** Extracts credentials and WebSocket subprotocols from requests. @module */

/**
 * The subprotocols that the edge selects: its own, and the names that libraries of JSON-RPC offer. All mean the same, because the protocol
 * is JSON-RPC.
 */
export const SUBPROTOCOLS: readonly string[] = ['call-api.v1', 'jsonrpc', 'jsonrpc-2.0', 'json-rpc'];

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
 * Returns the first of {@link SUBPROTOCOLS} that a request offers; undefined if it offers none. A client that offers subprotocols and
 * finds none selected fails the connection (RFC 6455 §4.1).
 */
export function selectSubprotocol(request: Request): string | undefined {
  return offeredSubprotocols(request).find((protocol) => SUBPROTOCOLS.includes(protocol));
}

/** Returns the subprotocols that a request offers, without keys and tokens. */
export function namedSubprotocols(request: Request): string[] {
  return offeredSubprotocols(request).filter((protocol) => !protocol.startsWith(CREDENTIAL_PREFIX));
}

function offeredSubprotocols(request: Request): string[] {
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') return [];
  return (request.headers.get('Sec-WebSocket-Protocol') ?? '')
    .split(',')
    .flatMap((protocol) => protocol.trim() || []);
}
