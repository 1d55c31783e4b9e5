/** Delivers one update of the outbox to the objects that it is for. @module */
import { DIRECTORY_NAME } from './directory.ts';
import type { SiteUpdate } from './outbox.ts';
import { policyOf } from './policy.ts';
import type { SettingsStore } from './settings.ts';
import type { SiteStore } from './sites.ts';

/** The state of the tenant, of which an update delivers what is stored when it is delivered. */
export interface TenantStores {
  readonly settings: SettingsStore;
  readonly sites: SiteStore;
}

/** Rejects if an object cannot be reached. */
export async function deliverUpdate(
  { kind, site: siteId, location, keyId }: SiteUpdate,
  { settings, sites }: TenantStores,
  env: Env,
): Promise<void> {
  if (kind === 'listing') return deliverListing(settings, env);
  const { SWITCHBOARD, WEBHOOKS } = env;
  const hint = location ? { locationHint: location } : {};
  const siteName = `${settings.id}/${siteId}`;
  const switchboard = SWITCHBOARD.get(SWITCHBOARD.idFromName(siteName), hint);
  if (kind === 'erase') {
    await WEBHOOKS.get(WEBHOOKS.idFromName(siteName)).erase();
    return switchboard.erase();
  }
  if (kind === 'revoke') return switchboard.revokeKey(keyId);
  const current = settings.get();
  const site = sites.get(siteId);
  if (current && site) await switchboard.applyPolicy(policyOf(current, site, sites.count));
}

/** Reports to the directory whether the tenant exists now. */
async function deliverListing({ state }: SettingsStore, { DIRECTORY }: Env): Promise<void> {
  if (state) await DIRECTORY.get(DIRECTORY.idFromName(DIRECTORY_NAME)).record(state);
}
