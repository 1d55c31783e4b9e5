/** `Authorize`: a client presents a new token on its open socket before the present one expires. @module */
import type { ParsedMessage, RpcRequest } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { AUTHORIZE } from '../../../shared/protocol/rpc/service-methods.ts';
import type { Claims } from '../../auth/tokens.ts';
import type { ClientSocket } from '../sockets/attachments.ts';

/** The one answer to every rejected token, whatever is wrong with it. */
export const TOKEN_REJECTED =
  'token: the token is invalid or expired, or is for another tenant, site or subject. Send a new token for the same tenant, site and subject.';

export function isAuthorize(entry: ParsedMessage['entries'][number]): entry is RpcRequest {
  return 'method' in entry && entry.method === AUTHORIZE;
}

/**
 * Returns the attachment of a socket with the claims of a new token; undefined if the token belongs to another subject or has
 * expired. The signature must have been verified.
 */
export function renewAttachment(
  { kind, subject, session }: ClientSocket,
  claims: Claims,
  now: number,
): ClientSocket | undefined {
  const { key, scopes, caller, expires } = claims;
  if (claims.subject !== subject || expires <= now) return undefined;
  return { kind, subject, session, key, scopes, expires, ...(caller === undefined ? {} : { caller }) };
}
