/** Derives the policy of a site from the settings of its tenant. Pure. @module */
import type { Policy, Rules } from '../../shared/policy/policy.ts';
import type { Settings } from './settings.ts';

/** The minimum that the schema of limits accepts: see `shared/policy/policy.ts`. */
const MIN_SHARE = { starts_per_second: 0.01, standing_calls: 1 };

/**
 * Returns the policy of a site.
 * @param siteRules the site's own rules; undefined for the policy of the whole tenant
 * @param siteCount the number of sites that share the tenant's limits
 */
export function policyOf(settings: Settings, siteRules: Rules | undefined, siteCount: number): Policy {
  const { version, limits, rules, kept_seconds } = settings;
  const shares = siteRules === undefined ? 1 : Math.max(1, siteCount);
  return {
    version,
    limits: {
      ...limits,
      starts_per_second: Math.max(MIN_SHARE.starts_per_second, limits.starts_per_second / shares),
      standing_calls: Math.max(MIN_SHARE.standing_calls, Math.floor(limits.standing_calls / shares)),
    },
    rules: siteRules === undefined ? [rules] : [rules, siteRules],
    kept_seconds,
  };
}
