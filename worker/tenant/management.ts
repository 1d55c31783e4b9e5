/** Decides whether a tenant may make a change itself: whether it is within the bounds that an administrator has set. Pure. @module */
import { isOriginWithin } from '../../shared/policy/management-bounds.ts';
import { quote } from '../../shared/settings/quote.ts';
import { type Rejection, reject } from '../objects/outcome.ts';
import { isValid, type Key } from './keys.ts';
import type { Settings } from './settings.ts';

const ASK = 'Ask an administrator to change this.';

/** Returns whether a key may manage its tenant. A key for one site may not, because the changes concern all sites. */
export function isManager(key: Key | undefined, now: number): boolean {
  return (
    key !== undefined &&
    isValid(key, now) &&
    key.role === 'api' &&
    key.site === null &&
    key.scopes.includes('manage')
  );
}

/**
 * Returns why a tenant may not create a key, also one that replaces another; undefined if it may.
 * @param others the keys that remain
 */
export function rejectOwnKey(
  { bounds }: Settings,
  key: Pick<Key, 'role' | 'scopes'>,
  others: readonly Key[],
  now: number,
): Rejection | undefined {
  if (key.role !== 'api') return foreignRole();
  const forbidden = key.scopes.filter((scope) => !bounds.scopes.includes(scope));
  if (forbidden.length > 0)
    return reject(
      403,
      `scopes: the keys that this tenant manages itself may not have ${forbidden.join(', ')}. Use ${bounds.scopes.join(', ') || 'no scopes'}. ${ASK}`,
    );
  const count = others.filter((other) => other.role === 'api' && isValid(other, now)).length;
  if (count >= bounds.max_keys)
    return reject(
      403,
      `This tenant has ${count} API keys, and may have ${bounds.max_keys}. Revoke one first. ${ASK}`,
    );
  return undefined;
}

/** Returns why a tenant may not revoke a key; undefined if it may. */
export function rejectOwnRevocation({ role }: Pick<Key, 'role'>): Rejection | undefined {
  return role === 'api' ? undefined : foreignRole();
}

/** Returns why a tenant may not have these origins; undefined if it may. */
export function rejectOwnOrigins(
  { bounds }: Settings,
  origins: readonly string[] = [],
): Rejection | undefined {
  const forbidden = origins.find((origin) => !isOriginWithin(bounds, origin));
  return forbidden === undefined
    ? undefined
    : reject(
        403,
        `origins: this tenant may not add ${quote(forbidden)}. It may add ${bounds.origins.join(', ') || 'none'}. ${ASK}`,
      );
}

/** Returns all origins that may connect. Bounds that were set later hold for what the tenant has added before. */
export function effectiveOrigins({ origins, own, bounds }: Settings): readonly string[] {
  return [...origins, ...own.origins.filter((origin) => isOriginWithin(bounds, origin))];
}

function foreignRole(): Rejection {
  return reject(403, `Tenants manage API keys only, not those of adapters. ${ASK}`);
}
