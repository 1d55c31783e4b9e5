/**
 * Tokens and keys as a deployment signs them, and as it never would. Written from what is documented of them, not with
 * the Worker's own code.
 * @module
 */
import { createHmac, hkdfSync } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { KEY_SECRETS } from '../stack/tenants.ts';

/** The first secret of the tests' deployment, by which it signs. */
const [[KID = '', SECRET = ''] = []] = KEY_SECRETS.split(',').map((entry) => entry.split(':'));

/** What signs, where it is not the deployment's first secret. */
export interface Signing {
  readonly kid?: string;
  readonly secret?: string;
  /** What the secret's key was derived for; a token's is `tokens`, an API key's `api-keys`. */
  readonly use?: string;
  readonly alg?: 'HS256' | 'HS384' | 'HS512';
  readonly typ?: string;
}

/** What a token says. */
export interface Said {
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

/** Claims of a token that lasts a minute, but for what is said. */
export function claims(said: Said): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1_000);
  return { iss: 'call-api', aud: 'call-api', scopes: ['CallStart'], iat: now, exp: now + 60, ...said };
}

/** Signs a token. */
export function token(said: Said, signing: Signing = {}): Promise<string> {
  const { kid = KID, alg = 'HS256', typ = 'call-api+jwt' } = signing;
  return new SignJWT(claims(said)).setProtectedHeader({ alg, kid, typ }).sign(derived(signing, 'tokens'));
}

/** A token that nobody has signed. */
export function unsigned(said: Said): string {
  return new UnsecuredJWT(claims(said)).encode();
}

/** Gives a key's text a MAC. */
export function sealed(text: string, signing: Signing = {}): string {
  return `${text}.${createHmac('sha256', derived(signing, 'api-keys')).update(text).digest('base64url')}`;
}

/** RFC 5869, with the use in `info`. */
function derived({ secret = SECRET, use }: Signing, otherwise: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', `call-api ${use ?? otherwise}`, 32));
}
