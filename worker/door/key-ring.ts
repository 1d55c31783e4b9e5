/**
 * The deployment's secrets, from which all that it signs is signed. To rotate, put a new one in front; drop the old
 * one when nothing signed with it is in use any more.
 * @module
 */
import type { Variables } from '../variables.ts';

/** What a secret is used for. Each use has a key of its own, so that nothing signed for one holds for another. */
export type Use = 'api-keys' | 'tokens';

/** A key to sign with (HMAC with SHA-256), and the name by which it is found again. */
export interface RingKey {
  readonly kid: string;
  readonly key: CryptoKey;
}

/** The ring for one use. */
export interface KeyRing {
  /** Signs. */
  readonly first: RingKey;
  /** Verifies; undefined where there is none of that name. */
  find(kid: string): RingKey | undefined;
}

/** Characters of a secret at least: as long in bits as the HMAC that it makes, at a byte a character. */
const SECRET_LENGTH = 32;

const KID = /^[a-z0-9]{1,16}$/;

/**
 * Derived once in each isolate; the text is the whole of what they depend on. Not promises: one request would wait
 * for what another, that may be cancelled, does.
 */
const rings = new Map<string, KeyRing>();

/**
 * The ring of `KEY_SECRETS`; undefined where a deployment has none. Throws where it cannot be read, and never says
 * what stands in it.
 */
export async function keyRing(env: Pick<Variables, 'KEY_SECRETS'>, use: Use): Promise<KeyRing | undefined> {
  if (!env.KEY_SECRETS) return undefined;
  const name = `${use} ${env.KEY_SECRETS}`;
  const ring = rings.get(name) ?? (await derive(env.KEY_SECRETS, use));
  rings.set(name, ring);
  return ring;
}

async function derive(text: string, use: Use): Promise<KeyRing> {
  const keys = new Map<string, RingKey>();
  for (const entry of text.split(',')) {
    const [kid = '', ...rest] = entry.trim().split(':');
    const secret = rest.join(':');
    if (!KID.test(kid) || keys.has(kid)) throw unreadable('a kid is 1 to 16 of a-z 0-9 and stands once');
    if (secret.length < SECRET_LENGTH) throw unreadable(`a secret has at least ${SECRET_LENGTH} characters`);
    keys.set(kid, { kid, key: await derived(secret, use) });
  }
  const [first] = keys.values();
  if (!first) throw unreadable('it is empty');
  return { first, find: (kid) => keys.get(kid) };
}

/** RFC 5869; the use stands in `info`. */
async function derived(secret: string, use: Use): Promise<CryptoKey> {
  const encoder = new TextEncoder();
  const material = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, ['deriveKey']);
  const hkdf = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: encoder.encode(`call-api ${use}`),
  };
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 };
  return crypto.subtle.deriveKey(hkdf, material, hmac, false, ['sign', 'verify']);
}

function unreadable(why: string): Error {
  return new Error(`KEY_SECRETS takes kid:secret,kid:secret…, newest first: ${why}`);
}
