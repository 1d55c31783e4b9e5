/**
 * Builds tokens and API keys, valid and forged ones. It is written from their documented format, without the Worker's own
 * code.
 * @module
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { KEY_SECRETS } from '../harness/multi-tenant-stack.ts';

/** The first secret of the tests' deployment, which signs new tokens and keys. */
const [[KID = '', SECRET = ''] = []] = KEY_SECRETS.split(',').map((entry) => entry.split(':'));

/** Deviations from a correct signature by the deployment's first secret. */
export interface SigningOptions {
  readonly kid?: string;
  readonly secret?: string;
  /** The use that the key is derived for: `tokens` for tokens, `api-keys` for API keys. */
  readonly use?: string;
  readonly alg?: 'HS256' | 'HS384' | 'HS512';
  readonly typ?: string;
}

/** Claims that replace or extend those of a valid token. */
export interface ClaimOverrides {
  readonly tenant?: unknown;
  readonly site?: unknown;
  readonly sub?: unknown;
  readonly scopes?: unknown;
  readonly key?: unknown;
  readonly caller?: unknown;
  readonly iss?: unknown;
  readonly aud?: unknown;
  readonly iat?: unknown;
  readonly exp?: unknown;
}

/** Returns the claims of a token that is valid for a minute, with overrides. */
export function buildClaims(overrides: ClaimOverrides): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1_000);
  return { iss: 'call-api', aud: 'call-api', scopes: ['CallStart'], iat: now, exp: now + 60, ...overrides };
}

export function signToken(overrides: ClaimOverrides, signing: SigningOptions = {}): Promise<string> {
  const { kid = KID, alg = 'HS256', typ = 'call-api+jwt' } = signing;
  return new SignJWT(buildClaims(overrides))
    .setProtectedHeader({ alg, kid, typ })
    .sign(deriveKey(signing, 'tokens'));
}

/** Returns a token without a signature (`alg: none`). */
export function unsignedToken(overrides: ClaimOverrides): string {
  return new UnsecuredJWT(buildClaims(overrides)).encode();
}

/** Appends the MAC to the text of an API key. */
export function appendMac(text: string, signing: SigningOptions = {}): string {
  return `${text}.${createHmac('sha256', deriveKey(signing, 'api-keys')).update(text).digest('base64url')}`;
}

/** HKDF (RFC 5869), with the use in `info`. */
function deriveKey({ secret = SECRET, use }: SigningOptions, defaultUse: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `call-api ${use ?? defaultUse}`, 32));
}
