/** What a request brings to show who it is from. @module */

/** The subprotocol that the edge speaks, and the only one that it ever selects. */
export const PROTOCOL = 'call-api.v1';

/** Before a key or a token in an offered subprotocol: a browser's WebSocket can send nothing else. */
const CREDENTIAL_PROTOCOL = 'call-api.token.';

/** Of several places the first that holds one counts: `Authorization`, the subprotocols, the query. */
export function credentialOf(request: Request): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get('Authorization') ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const offered = offeredBy(request).find((protocol) => protocol.startsWith(CREDENTIAL_PROTOCOL));
  if (offered !== undefined) return offered.slice(CREDENTIAL_PROTOCOL.length);
  return new URL(request.url).searchParams.get('access_token') ?? undefined;
}

/** Does it offer {@link PROTOCOL}? A client that has offered some and finds none selected hangs up (RFC 6455 §4.1). */
export function offersProtocol(request: Request): boolean {
  return offeredBy(request).includes(PROTOCOL);
}

function offeredBy(request: Request): string[] {
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') return [];
  return (request.headers.get('Sec-WebSocket-Protocol') ?? '').split(',').map((protocol) => protocol.trim());
}
