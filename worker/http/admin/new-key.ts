/** Generates keys. The administrator gets the text of a key, once; only the hash of its secret is stored. @module */
import { formatKey, hashSecret, type KeyParts } from '../../auth/key-text.ts';
import { problemResponse } from '../../errors/problem.ts';
import { toBase64Url } from '../../objects/base64-url.ts';
import type { Outcome } from '../../objects/outcome.ts';
import { respondWith } from './request-response.ts';

/** Bytes of a key's secret: as many as its MAC has. */
const SECRET_BYTES = 32;

/** Bytes of a key's id, which is not secret. 64 bits do not collide among the keys of a tenant. */
const ID_BYTES = 8;

export interface GeneratedKey {
  readonly id: string;
  readonly hash: string;
  readonly text: string;
}

/** Returns a new key. Throws where `KEY_SECRETS` is not set: see {@link missingKeySecrets}. */
export async function generateKey(owner: Pick<KeyParts, 'role' | 'owner'>, env: Env): Promise<GeneratedKey> {
  const id = Array.from(randomBytes(ID_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const secret = toBase64Url(randomBytes(SECRET_BYTES));
  return { id, hash: await hashSecret(secret), text: await formatKey({ ...owner, id, secret }, env) };
}

export function missingKeySecrets(): Response {
  return problemResponse(
    503,
    'KEY_SECRETS is not set, so this deployment cannot create keys. Set this secret first.',
  );
}

/** Responds with the text of a key: the only time that it is shown. */
export function respondWithKey<T>(key: string, outcome: Outcome<T>): Response {
  return respondWith(outcome.ok ? { ...outcome, value: { ...outcome.value, key } } : outcome, 201);
}

function randomBytes(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
