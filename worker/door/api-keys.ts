/**
 * The text of an API key: `ca.<kid>.<role>.<tenant>.<id>.<secret>.<mac>`. The MAC over all before it, made with the
 * deployment's secret, tells a made-up key before any object is asked.
 * @module
 */
import { Id } from '../../shared/policy.ts';
import type { Variables } from '../variables.ts';
import { keyRing } from './key-ring.ts';
import { sameSecret } from './same-secret.ts';

/** `api` for clients and for minting tokens, `adapter` for the process beside OpenSIPS. */
export type Role = 'api' | 'adapter';

/** What a key says of itself. */
export interface ApiKey {
  readonly role: Role;
  readonly tenant: string;
  readonly id: string;
  /** 16 to 128 characters of base64url; 43 are 32 bytes. */
  readonly secret: string;
}

const PREFIX = 'ca';
const SECRET = /^[A-Za-z0-9_-]{16,128}$/;
/** No key is longer: 2 + 16 + 7 + 32 + 32 + 128 + 43 characters and six dots. */
const LONGEST = 266;

/** Writes a key. Throws where `KEY_SECRETS` is not set, or a part is not of its shape. */
export async function formatKey(key: ApiKey, env: Pick<Variables, 'KEY_SECRETS'>): Promise<string> {
  const ring = await keyRing(env, 'api-keys');
  if (!ring) throw new Error('without KEY_SECRETS no key can be made: set that secret of the deployment');
  if (!isWellFormed(key)) throw new Error('a part of this key is not of its shape');
  const { kid, key: signing } = ring.first;
  const text = [PREFIX, kid, key.role, key.tenant, key.id, key.secret].join('.');
  return `${text}.${await mac(signing, text)}`;
}

/** Reads a key; undefined unless this deployment has made it, whatever is wrong with it. */
export async function readKey(
  text: string,
  env: Pick<Variables, 'KEY_SECRETS'>,
): Promise<ApiKey | undefined> {
  if (text.length > LONGEST) return undefined;
  const [prefix, kid = '', role, tenant = '', id = '', secret = '', given = '', ...rest] = text.split('.');
  if (prefix !== PREFIX || (role !== 'api' && role !== 'adapter') || rest.length > 0) return undefined;
  const signing = (await keyRing(env, 'api-keys'))?.find(kid);
  if (!signing) return undefined;
  const right = await mac(signing.key, text.slice(0, text.length - given.length - 1));
  const key = { role, tenant, id, secret } as const;
  return (await sameSecret(right, given)) && isWellFormed(key) ? key : undefined;
}

/** What is kept of a secret: SHA-256 in hex. It is random, so nothing slower is needed against guessing. */
export async function hashSecret(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function isWellFormed({ tenant, id, secret }: ApiKey): boolean {
  return Id.safeParse(tenant).success && Id.safeParse(id).success && SECRET.test(secret);
}

/** Base64url of 32 bytes. It is compared as text: two texts may stand for the same bytes. */
async function mac(key: CryptoKey, text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}
