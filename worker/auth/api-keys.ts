/** The keys of tenants, for clients and for adapters: see `key-text.ts`. @module */
import type { KeyRole } from '../../shared/policy/policy.ts';
import { formatKey, parseKey } from './key-text.ts';

/** The parts of a key. */
export interface ApiKey {
  readonly role: KeyRole;
  readonly tenant: string;
  readonly id: string;
  readonly secret: string;
}

/** Returns the text of a key. Throws where `KEY_SECRETS` is not set, or a part is malformed. */
export function formatApiKey({ tenant, ...parts }: ApiKey, env: Pick<Env, 'KEY_SECRETS'>): Promise<string> {
  return formatKey({ ...parts, owner: tenant }, env);
}

/** Parses a key. Returns undefined, without a reason, for a key that this deployment has not issued to a tenant. */
export async function parseApiKey(text: string, env: Pick<Env, 'KEY_SECRETS'>): Promise<ApiKey | undefined> {
  const key = await parseKey(text, env);
  if (!key || key.role === 'admin') return undefined;
  const { role, owner, id, secret } = key;
  return { role, tenant: owner, id, secret };
}
