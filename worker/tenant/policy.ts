/** What holds at one site, made of what holds for the tenant. Pure. @module */
import type { Policy, Rules } from '../../shared/policy.ts';
import type { Settings } from './settings.ts';

/** Below these the schema of limits does not go: see `shared/policy.ts`. */
const LEAST = { starts_per_second: 0.01, standing_calls: 1 };

/**
 * The policy of a site.
 * @param site the site's own rules; absent: what holds for the whole tenant
 * @param sites among so many sites the tenant's share is divided
 */
export function policyOf(settings: Settings, site: Rules | undefined, sites: number): Policy {
  const { version, limits, rules, kept_seconds } = settings;
  const among = site === undefined ? 1 : Math.max(1, sites);
  return {
    version,
    limits: {
      ...limits,
      starts_per_second: Math.max(LEAST.starts_per_second, limits.starts_per_second / among),
      standing_calls: Math.max(LEAST.standing_calls, Math.floor(limits.standing_calls / among)),
    },
    rules: site === undefined ? [rules] : [rules, site],
    kept_seconds,
  };
}
