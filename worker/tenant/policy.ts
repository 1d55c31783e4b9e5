/** Derives the policy of a site from the settings of its tenant. Pure. @module */
import type { DialTarget } from '../../shared/policy/link-setting.ts';
import type { Limits, Policy } from '../../shared/policy/policy.ts';
import type { Settings } from './settings.ts';
import type { Site } from './sites.ts';

/** The limits that the sites of a tenant share equally, with the minimum that the schema of limits accepts. */
const MIN_SHARES = {
  tenant_messages_per_second: 0.01,
  tenant_replayed_bytes_per_minute: 65_536,
  tenant_written_bytes_per_minute: 65_536,
  tenant_connections_per_minute: 0.01,
  starts_per_second: 0.01,
  standing_calls: 1,
} as const satisfies Partial<Limits>;

/** The shared limits that are whole numbers. */
const WHOLE_NUMBERS: readonly string[] = [
  'tenant_replayed_bytes_per_minute',
  'tenant_written_bytes_per_minute',
  'standing_calls',
] satisfies (keyof typeof MIN_SHARES)[];

/**
 * Returns the policy of a site.
 * @param site undefined for the policy of the whole tenant
 * @param siteCount the number of sites that share the tenant's limits
 */
export function policyOf(
  settings: Settings,
  site:
    | (Pick<Site, 'id' | 'rules' | 'link' | 'location'> &
        Partial<Pick<Site, 'adapters' | 'replicated_dialogs'>>)
    | undefined,
  siteCount: number,
): Policy {
  const { version, limits, rules, kept_seconds, own } = settings;
  // In addition to those of the administrator, never instead: all lists must allow an address.
  const ownRules = own.rules.allow.length + own.rules.deny.length > 0 ? [own.rules] : [];
  const shares = site ? Math.max(1, siteCount) : 1;
  const target = site && dialTargetOf(settings.id, site);
  return {
    version,
    limits: { ...limits, ...sharesOf(limits, shares) },
    rules: [rules, ...ownRules, ...(site ? [site.rules] : [])],
    kept_seconds,
    ...(site?.adapters === 'active'
      ? { active_adapters: { replicated_dialogs: site.replicated_dialogs ?? false } }
      : {}),
    ...(target ? { link: target } : {}),
  };
}

/** Returns where the adapter of a site is dialed; undefined if it connects to the edge. */
function dialTargetOf(
  tenant: string,
  { id, link, location }: Pick<Site, 'id' | 'link' | 'location'>,
): DialTarget | undefined {
  if (link.mode === 'accept') return undefined;
  const { mode: _, ...target } = link;
  return { ...target, siteName: `${tenant}/${id}`, ...(location === null ? {} : { location }) };
}

function sharesOf(limits: Limits, shares: number): Partial<Limits> {
  const names = Object.keys(MIN_SHARES) as (keyof typeof MIN_SHARES)[];
  return Object.fromEntries(
    names.map((name) => {
      const share = limits[name] / shares;
      return [name, Math.max(MIN_SHARES[name], WHOLE_NUMBERS.includes(name) ? Math.floor(share) : share)];
    }),
  );
}
