/**
 * The text of a key: `ca.<kid>.<role>.<owner>.<id>.<secret>.<mac>`. The MAC covers everything before it and is made with the
 * deployment's secret, so a forged key is rejected without asking any object.
 * @module
 */
import { Id, type KeyRole } from '../../shared/policy/policy.ts';
import { toBase64Url } from '../objects/base64-url.ts';
import { loadKeyRing } from './key-ring.ts';
import { timingSafeEqual } from './timing-safe-equal.ts';

/** The parts of a key. */
export interface KeyParts {
  readonly role: KeyRole | 'admin';
  /** The tenant, or the name of the administrator. */
  readonly owner: string;
  readonly id: string;
  /** 16 to 128 characters of base64url. 43 characters are 32 bytes. */
  readonly secret: string;
}

const PREFIX = 'ca';
const ROLES: readonly KeyParts['role'][] = ['api', 'adapter', 'admin'];
const SECRET = /^[A-Za-z0-9_-]{16,128}$/;
/** 2 + 16 + 7 + 32 + 32 + 128 + 43 characters and six dots. */
const MAX_KEY_CHARACTERS = 266;

/** Returns the text of a key. Throws where `KEY_SECRETS` is not set, or a part is malformed. */
export async function formatKey(parts: KeyParts, env: Pick<Env, 'KEY_SECRETS'>): Promise<string> {
  const ring = await loadKeyRing(env, 'api-keys');
  if (!ring) throw new Error('Keys require KEY_SECRETS: set this secret of the deployment');
  if (!isWellFormed(parts)) throw new Error('A part of the key is malformed');
  const { kid, key: signingKey } = ring.current;
  const text = [PREFIX, kid, parts.role, parts.owner, parts.id, parts.secret].join('.');
  return `${text}.${await computeMac(signingKey, text)}`;
}

/** Parses a key. Returns undefined, without a reason, for a key that this deployment has not issued. */
export async function parseKey(text: string, env: Pick<Env, 'KEY_SECRETS'>): Promise<KeyParts | undefined> {
  if (text.length > MAX_KEY_CHARACTERS) return undefined;
  const [prefix, kid = '', name, owner = '', id = '', secret = '', mac = '', ...rest] = text.split('.');
  const role = ROLES.find((known) => known === name);
  if (prefix !== PREFIX || role === undefined || rest.length > 0) return undefined;
  const signingKey = (await loadKeyRing(env, 'api-keys'))?.find(kid);
  if (!signingKey) return undefined;
  const expectedMac = await computeMac(signingKey.key, text.slice(0, text.length - mac.length - 1));
  const parts = { role, owner, id, secret };
  return (await timingSafeEqual(expectedMac, mac)) && isWellFormed(parts) ? parts : undefined;
}

/** Returns what is stored of a secret: SHA-256 in hex. Secrets are random, so a slow hash would add nothing. */
export async function hashSecret(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function isWellFormed({ owner, id, secret }: KeyParts): boolean {
  return Id.safeParse(owner).success && Id.safeParse(id).success && SECRET.test(secret);
}

/** Returns base64url of 32 bytes. MACs are compared as text, because two texts may decode to the same bytes. */
async function computeMac(key: CryptoKey, text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text)));
  return toBase64Url(bytes);
}
