/** The roles of administrators, and which of them a request of the admin API needs. Pure. @module */
import * as z from 'zod';

/** From the least to the most powerful. Each may do what those before it may. */
export const ADMIN_ROLES = ['read', 'operate', 'all'] as const;
export const AdminRole = z.enum(ADMIN_ROLES).meta({
  description:
    '`read` shows everything and changes nothing; `operate` also manages keys and webhooks of tenants; `all` also manages tenants, sites, limits, rules and administrators',
});
export type AdminRole = z.infer<typeof AdminRole>;

/** Keys of a tenant, and webhooks of a site: what is changed from day to day. */
const OPERATED = /^\/tenants\/[^/]+\/(?:keys|sites\/[^/]+\/webhooks)(?:\/|$)/;

/**
 * Returns the least powerful role that may send a request. What is not listed as day-to-day work needs `all`, so that no new route is
 * open to everybody by mistake.
 * @param path below `/v1/admin`
 */
export function requiredRole(method: string, path: string): AdminRole {
  if (method === 'GET' || method === 'HEAD') return 'read';
  return OPERATED.test(path) ? 'operate' : 'all';
}

/** Returns whether a role may do what needs another one. */
export function includesRole(role: AdminRole, required: AdminRole): boolean {
  return ADMIN_ROLES.indexOf(role) >= ADMIN_ROLES.indexOf(required);
}
