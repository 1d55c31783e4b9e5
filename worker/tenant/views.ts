/** What an administrator sees: times in ISO 8601, and of a key nothing that opens a door. @module */
import type { Limits, Rules, Scope } from '../../shared/policy.ts';
import type { Role } from '../door/api-keys.ts';
import type { Location } from './admission.ts';
import type { Key } from './keys.ts';
import type { Settings } from './settings.ts';
import type { Site } from './sites.ts';

export interface TenantView {
  readonly id: string;
  readonly created: string;
  /** Those that hold, with their defaults. */
  readonly limits: Limits;
  readonly rules: Rules;
  readonly origins: readonly string[];
  readonly kept_seconds: number;
  readonly version: number;
}

export interface SiteView {
  readonly id: string;
  readonly created: string;
  readonly location: Location | null;
  readonly rules: Rules;
}

export interface KeyView {
  readonly id: string;
  readonly role: Role;
  /** Null: any site. */
  readonly site: string | null;
  readonly scopes: readonly Scope[];
  readonly created: string;
  /** To the minute. */
  readonly last_used: string | null;
  /** May be in the future. */
  readonly revoked_at: string | null;
}

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
