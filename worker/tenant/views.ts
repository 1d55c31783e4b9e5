/** Converts what a tenant stores into what the admin API shows. @module */
import type { AdministratorView } from '../../shared/protocol/admin/administrators.ts';
import type { ManageView } from '../../shared/protocol/admin/manage.ts';
import type { KeyView, SiteView, TenantView } from '../../shared/protocol/admin/views.ts';
import type { Administrator } from './administrators.ts';
import type { Key } from './keys.ts';
import type { Settings } from './settings.ts';
import type { Site } from './sites.ts';

export function tenantView({ id, createdAt, ...settings }: Settings): TenantView {
  return { id, created: isoTime(createdAt), ...settings };
}

/** Returns what the tenant itself sees of its settings. */
export function manageView({ id, rules, origins, own, bounds }: Settings): ManageView {
  return { tenant: id, ...own, bounds, fixed: { rules, origins } };
}

export function siteView({ id, createdAt, ...settings }: Site): SiteView {
  return { id, created: isoTime(createdAt), ...settings };
}

export function keyView({ id, role, site, scopes, createdAt, lastUsedAt, revokedAt }: Key): KeyView {
  return {
    id,
    role,
    site,
    scopes,
    created: isoTime(createdAt),
    last_used: lastUsedAt === null ? null : isoTime(lastUsedAt),
    revoked_at: revokedAt === null ? null : isoTime(revokedAt),
  };
}

export function administratorView({
  id,
  name,
  role,
  createdAt,
  lastUsedAt,
  revokedAt,
}: Administrator): AdministratorView {
  return {
    name,
    role,
    id,
    created: isoTime(createdAt),
    last_used: lastUsedAt === null ? null : isoTime(lastUsedAt),
    revoked_at: revokedAt === null ? null : isoTime(revokedAt),
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
