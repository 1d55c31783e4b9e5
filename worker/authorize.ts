/** `Authorize`: a client gives a fresh token on its live socket, before the one that it came with expires. @module */
import type { Parsed, RpcRequest } from '../shared/jsonrpc.ts';
import { AUTHORIZE } from '../shared/methods.ts';
import type { ClientSocket } from './attachments.ts';
import type { Claims } from './door/tokens.ts';

/** One answer for every token that is not taken, whatever is wrong with it. */
export const NOT_TAKEN =
  'this token does not hold here; ask for one of the same tenant, site and subject that has not expired';

/** Is it a request with a token? */
export function isAuthorize(entry: Parsed['entries'][number]): entry is RpcRequest {
  return 'method' in entry && entry.method === AUTHORIZE;
}

/** The socket as a token makes it; undefined where it is another's or has expired. Its signature has been checked. */
export function renewed(
  { kind, subject, session }: ClientSocket,
  claims: Claims,
  now: number,
): ClientSocket | undefined {
  const { key, scopes, caller, expires } = claims;
  if (claims.subject !== subject || expires <= now) return undefined;
  return { kind, subject, session, key, scopes, expires, ...(caller === undefined ? {} : { caller }) };
}
