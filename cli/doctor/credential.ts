/** Explains why an edge may have refused a key or a token, by its text alone: the edge itself gives no reason. Pure. @module */

/** `ca.<kid>.<role>.<tenant>.<id>.<secret>.<mac>` */
const KEY = /^ca\.([^.]+)\.([^.]+)\.([^.]+)\.([^.]+)\.([^.]+)\.([^.]+)$/;

/**
 * Returns the likely reason of a refusal, and what to do.
 * @param now Unix milliseconds
 */
export function diagnoseCredential(
  credential: string | undefined,
  now: number,
): { readonly says: string; readonly mend: string } {
  if (credential === undefined)
    return {
      says: 'this edge asks for a key or a token, and none is given',
      mend: 'set CALL_API_TOKEN or give --token-file; an administrator makes a key with: call-api admin key create TENANT',
    };
  const [, , role, tenant, id] = KEY.exec(credential) ?? [];
  if (role === 'adapter')
    return {
      says: "this is an adapter's key: it opens the link of its adapter, and nothing else",
      mend: `give an API key: call-api admin key create ${tenant} --role api`,
    };
  if (role !== undefined)
    return {
      says: `the key ${id} of ${tenant} is refused: it was revoked, or is not of this edge, or was not copied whole`,
      mend: `see whether it is revoked with: call-api admin key list ${tenant}; then make another: call-api admin key create ${tenant}`,
    };
  if (credential.startsWith('ca.'))
    return {
      says: 'this key was not copied whole: it has seven parts with dots between them',
      mend: 'copy the key again; if it is lost, make another: call-api admin key create TENANT',
    };
  const expires = expiryOf(credential);
  if (expires !== undefined && expires <= now)
    return {
      says: `this token expired at ${new Date(expires).toISOString()}`,
      mend: 'mint a fresh one with the API key: call-api token SUBJECT',
    };
  if (expires !== undefined)
    return {
      says: 'this token is refused, though it has not expired: the key that minted it was revoked, or it is of another edge',
      mend: 'mint a fresh one with an API key that holds: call-api token SUBJECT; check --url',
    };
  return {
    says: 'what is given is neither a key nor a token',
    mend: 'give an API key (ca.…) or a token (eyJ…) in CALL_API_TOKEN or --token-file',
  };
}

/** Returns the expiry of a JWT in Unix milliseconds (RFC 7519 §4.1.4). */
export function expiryOf(token: string): number | undefined {
  const [, claims] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? [];
  if (claims === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { readonly exp?: unknown };
    return typeof exp === 'number' ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}
