/** The token that the edge shows to an adapter that it dials: see `shared/protocol/dial.ts`. @module */
import { SignJWT } from 'jose';
import { DIAL_TOKEN } from '../../shared/protocol/dial.ts';
import { toBase64Url } from '../objects/base64-url.ts';
import { loadDialKeys } from './dial-keys.ts';

/** Bytes of a nonce: as many as the MAC over it has. */
const NONCE_BYTES = 32;

/** What a token is for. */
export interface DialClaims {
  readonly audience: string;
  readonly tenant: string;
  readonly site: string;
  /** The nonce that the adapter's proof covers. */
  readonly jti: string;
}

/** Returns a nonce that is never used again. */
export function createNonce(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
}

/** Returns a signed token, or undefined where the deployment has no secret to sign with. */
export async function signDialToken(
  { audience, tenant, site, jti }: DialClaims,
  env: Pick<Env, 'KEY_SECRETS' | 'ADAPTER_KEY'>,
  now: number,
): Promise<string | undefined> {
  const [key] = await loadDialKeys(env);
  if (!key) return undefined;
  const { algorithm: alg, type: typ, issuer, seconds } = DIAL_TOKEN;
  const issuedAt = Math.floor(now / 1_000);
  return new SignJWT({ tenant, site })
    .setProtectedHeader({ alg, kid: key.kid, typ })
    .setIssuer(issuer)
    .setAudience(audience)
    .setJti(jti)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + seconds)
    .sign(key.privateKey);
}
