/**
 * The deployment's secrets, from which all signing keys are derived. To rotate, put a new secret in front, and remove the
 * old one when nothing that was signed with it is in use any more.
 * @module
 */

/** What a signing key is used for. Each use has its own key, so that no signature is valid for another use. */
export type KeyUse = 'api-keys' | 'tokens' | 'dial';

/** An HMAC-SHA256 key, and the id by which it is found. */
export interface SigningKey {
  readonly kid: string;
  readonly key: CryptoKey;
}

/** The keys for one use. */
export interface KeyRing {
  /** Signs. */
  readonly current: SigningKey;
  /** Returns the key that verifies a signature, or undefined where there is none with that id. */
  find(kid: string): SigningKey | undefined;
}

/** At one byte per character, a secret has as many bits as the HMAC that it makes. */
const MIN_SECRET_CHARACTERS = 32;

const KID = /^[a-z0-9]{1,16}$/;

/**
 * Rings are derived once per isolate, by the text that they depend on. The cache holds no promises: one request would
 * wait for the work of another, which may be canceled.
 */
const rings = new Map<string, KeyRing>();

/**
 * Returns the key ring of `KEY_SECRETS`, or undefined where a deployment has none. Throws where it is malformed; the error
 * does not contain any part of it.
 */
export async function loadKeyRing(env: Pick<Env, 'KEY_SECRETS'>, use: KeyUse): Promise<KeyRing | undefined> {
  if (!env.KEY_SECRETS) return undefined;
  const cacheKey = `${use} ${env.KEY_SECRETS}`;
  const ring = rings.get(cacheKey) ?? (await deriveRing(env.KEY_SECRETS, use));
  rings.set(cacheKey, ring);
  return ring;
}

async function deriveRing(text: string, use: KeyUse): Promise<KeyRing> {
  const keys = new Map<string, SigningKey>();
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 };
  for (const [kid, secret] of parseKeySecrets(text)) {
    const bytes = await deriveBytes(secret, use);
    keys.set(kid, { kid, key: await crypto.subtle.importKey('raw', bytes, hmac, false, ['sign', 'verify']) });
  }
  const [current] = keys.values();
  if (!current) throw malformedError('it is empty');
  return { current, find: (kid) => keys.get(kid) };
}

/** Returns the secrets of `KEY_SECRETS` by their kids, newest first. Throws where it is malformed. */
export function parseKeySecrets(text: string): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const entry of text.split(',')) {
    const [kid = '', ...rest] = entry.trim().split(':');
    const secret = rest.join(':');
    if (!KID.test(kid) || secrets.has(kid))
      throw malformedError('a kid is used twice, or is not 1 to 16 of a-z and 0-9');
    if (secret.length < MIN_SECRET_CHARACTERS)
      throw malformedError(`a secret has fewer than ${MIN_SECRET_CHARACTERS} characters`);
    secrets.set(kid, secret);
  }
  return secrets;
}

/** Derives 32 bytes with HKDF (RFC 5869), whose `info` names the use. */
export async function deriveBytes(secret: string, use: KeyUse): Promise<ArrayBuffer> {
  const encoder = new TextEncoder();
  const material = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, [
    'deriveBits',
  ]);
  const hkdf = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: encoder.encode(`call-api ${use}`),
  };
  return crypto.subtle.deriveBits(hkdf, material, 256);
}

function malformedError(reason: string): Error {
  return new Error(`KEY_SECRETS: ${reason}. Use kid:secret,kid:secret,… with the newest first.`);
}
