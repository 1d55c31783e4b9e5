/** Scripted tenants: answer access requests as a test says. @module */
import { env } from 'cloudflare:workers';
import { Limits, type Policy, SCOPES } from '../../shared/policy/policy.ts';
import type { AccessDecision, AccessRequest } from '../tenant/access.ts';
import type { AuditedAction } from '../tenant/audit.ts';

export const POLICY: Policy = { version: 1, limits: Limits.parse({}), rules: [], kept_seconds: 3_600 };

/** The grant of an API key that has all scopes at its one site. */
export const ACCESS_GRANT: Extract<AccessDecision, { readonly ok: true }> = {
  ok: true,
  role: 'api',
  scopes: SCOPES,
  site: 'north',
  policy: POLICY,
  origins: [],
};

type TenantRequest = AccessRequest & { readonly tenant: string };

export interface ScriptedTenants {
  /** The environment of the tests, with these tenants. */
  readonly env: Env;
  /** The requests so far, in order. */
  readonly accessRequests: TenantRequest[];
  readonly auditedActions: (AuditedAction & { readonly tenant: string })[];
}

/** Returns tenants that decide with the given function. */
export function scriptedTenants(
  decide: (request: TenantRequest) => AccessDecision | Promise<AccessDecision>,
): ScriptedTenants {
  const accessRequests: ScriptedTenants['accessRequests'] = [];
  const auditedActions: ScriptedTenants['auditedActions'] = [];
  const namespace = {
    idFromName: (tenant: string) => tenant,
    get: (tenant: string) => ({
      async authorize(request: AccessRequest): Promise<AccessDecision> {
        accessRequests.push({ tenant, ...request });
        return decide({ tenant, ...request });
      },
      async recordKeyAction(request: AccessRequest, action: AuditedAction): Promise<boolean> {
        if (!(await decide({ tenant, ...request })).ok) return false;
        auditedActions.push({ tenant, ...action });
        return true;
      },
    }),
  };
  return { env: { ...env, TENANT: namespace as unknown as Env['TENANT'] }, accessRequests, auditedActions };
}
