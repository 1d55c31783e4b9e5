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
      says: 'The edge requires an API key or a token, and none is set.',
      mend: 'Set CALL_API_TOKEN, or use --token-file. An administrator creates a key with: call-api admin key create TENANT',
    };
  const [, , role, tenant, id] = KEY.exec(credential) ?? [];
  if (role === 'adapter')
    return {
      says: 'This is an adapter key: only an adapter can use it.',
      mend: `Use an API key: call-api admin key create ${tenant} --role api`,
    };
  if (role !== undefined)
    return {
      says: `The edge rejected the API key ${id} of ${tenant}: it was revoked, is for another edge, or is incomplete.`,
      mend: `See whether it was revoked: call-api admin key list ${tenant}. Create another one: call-api admin key create ${tenant}`,
    };
  if (isApiKey(credential))
    return {
      says: 'This API key is incomplete: a key has seven parts, separated by dots.',
      mend: 'Copy it again. If it is lost, create another one: call-api admin key create TENANT',
    };
  const expires = expiryOf(credential);
  if (expires !== undefined && expires <= now)
    return {
      says: `This token expired at ${new Date(expires).toISOString()}.`,
      mend: 'Get another one with an API key: call-api token SUBJECT',
    };
  if (expires !== undefined)
    return {
      says: 'The edge rejected this token, although it has not expired: its key was revoked, or it is for another edge.',
      mend: 'Check --url (CALL_API). Get another one with a valid API key: call-api token SUBJECT',
    };
  return {
    says: 'The value is neither an API key nor a token.',
    mend: 'Set CALL_API_TOKEN or --token-file to an API key (ca.…) or a token (eyJ…).',
  };
}

/** Returns whether a credential is written like a key, and not like a token. */
export function isApiKey(credential: string): boolean {
  return credential.startsWith('ca.');
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
