/** What an administrator sees: times in ISO 8601, and of a key nothing that opens a door. @module */
import * as z from 'zod';
import { Id, Limits, Policy, Rules, Scope } from '../../shared/policy.ts';
import { LOCATIONS } from './admission.ts';
import type { Key } from './keys.ts';
import type { Settings } from './settings.ts';
import type { Site } from './sites.ts';

const Time = z.iso.datetime();

export const TenantView = z.object({
  id: Id,
  created: Time,
  limits: Limits.meta({ description: 'those that hold, with their defaults' }),
  rules: Rules,
  origins: z.array(z.string()).readonly(),
  kept_seconds: Policy.shape.kept_seconds,
  version: z.number().int(),
});
export type TenantView = z.infer<typeof TenantView>;

export const SiteView = z.object({
  id: Id,
  created: Time,
  location: z.enum(LOCATIONS).nullable(),
  rules: Rules,
});
export type SiteView = z.infer<typeof SiteView>;

export const KeyView = z.object({
  id: Id,
  role: z.enum(['api', 'adapter']),
  site: Id.nullable().meta({ description: 'null: any site' }),
  scopes: z.array(Scope).readonly(),
  created: Time,
  last_used: Time.nullable().meta({ description: 'to the minute' }),
  revoked_at: Time.nullable().meta({ description: 'may be in the future' }),
});
export type KeyView = z.infer<typeof KeyView>;

export function viewOfTenant({ id, created, ...settings }: Settings): TenantView {
  return { id, created: time(created), ...settings };
}

export function viewOfSite({ id, created, location, rules }: Site): SiteView {
  return { id, created: time(created), location, rules };
}

export function viewOfKey({ id, role, site, scopes, created, lastUsed, revokedAt }: Key): KeyView {
  return {
    id,
    role,
    site,
    scopes,
    created: time(created),
    last_used: lastUsed === null ? null : time(lastUsed),
    revoked_at: revokedAt === null ? null : time(revokedAt),
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
