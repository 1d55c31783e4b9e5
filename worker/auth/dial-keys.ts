/** The Ed25519 keys with which the edge proves to adapters that it dials them. They follow the rotation of the secrets. @module */
import type { JWK } from 'jose';
import { DIAL_TOKEN } from '../../shared/protocol/dial.ts';
import { deriveBytes, parseKeySecrets } from './key-ring.ts';

export interface DialKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** The start of a PKCS #8 document with an Ed25519 key; its 32 bytes follow (RFC 8410 §7). */
const PKCS8_PREFIX = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/** Derived once per isolate, by the secrets. See `key-ring.ts`. */
const cache = new Map<string, readonly DialKey[]>();

/**
 * Returns the keys, newest first: the first one signs. None where a deployment has no secret. The demo tenant has no `KEY_SECRETS`, so
 * its key is derived from `ADAPTER_KEY`. Throws where `KEY_SECRETS` is malformed.
 */
export async function loadDialKeys({
  KEY_SECRETS,
  ADAPTER_KEY,
}: Pick<Env, 'KEY_SECRETS' | 'ADAPTER_KEY'>): Promise<readonly DialKey[]> {
  const cacheKey = `${KEY_SECRETS ?? ''} ${ADAPTER_KEY ?? ''}`;
  const cached = cache.get(cacheKey);
  if (cached) return cached;
  const demo = ADAPTER_KEY ? [['demo', ADAPTER_KEY] as const] : [];
  const secrets = KEY_SECRETS ? [...parseKeySecrets(KEY_SECRETS)] : demo;
  const keys = await Promise.all(secrets.map(([kid, secret]) => deriveDialKey(kid, secret)));
  cache.set(cacheKey, keys);
  return keys;
}

async function deriveDialKey(kid: string, secret: string): Promise<DialKey> {
  const seed = new Uint8Array(await deriveBytes(secret, 'dial'));
  const pkcs8 = Uint8Array.from([...PKCS8_PREFIX, ...seed]);
  const extractable = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const jwk = await crypto.subtle.exportKey('jwk', extractable);
  if (jwk instanceof ArrayBuffer || jwk.x === undefined)
    throw new Error('The platform does not export Ed25519 keys as JWK');
  const { algorithm: alg } = DIAL_TOKEN;
  return {
    kid,
    privateKey: await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']),
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x: jwk.x, kid, use: 'sig', alg },
  };
}
