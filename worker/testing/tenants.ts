/** Tenants that say what a test has them say. @module */
import { env } from 'cloudflare:workers';
import { Limits, type Policy, SCOPES } from '../../shared/policy.ts';
import type { Env } from '../env.ts';
import type { Admission, Petition } from '../tenant/admission.ts';
import type { Deed } from '../tenant/audit.ts';

export const POLICY: Policy = { version: 1, limits: Limits.parse({}), rules: [], kept_seconds: 3_600 };

/** What a tenant says of a key that may do all at its one site. */
export const GRANTED: Extract<Admission, { readonly ok: true }> = {
  ok: true,
  role: 'api',
  scopes: SCOPES,
  site: 'north',
  policy: POLICY,
  origins: [],
};

export interface ScriptedTenants {
  /** The tests' own, with these tenants in it. */
  readonly env: Env;
  /** What was asked of them, in order. */
  readonly asked: (Petition & { readonly tenant: string })[];
  readonly noted: (Deed & { readonly tenant: string })[];
}

/** Tenants that answer so. */
export function tenantsThat(
  answer: (petition: Petition & { readonly tenant: string }) => Admission | Promise<Admission>,
): ScriptedTenants {
  const asked: ScriptedTenants['asked'] = [];
  const noted: ScriptedTenants['noted'] = [];
  const namespace = {
    idFromName: (tenant: string) => tenant,
    get: (tenant: string) => ({
      async admit(petition: Petition): Promise<Admission> {
        asked.push({ tenant, ...petition });
        return answer({ tenant, ...petition });
      },
      async note(deed: Deed): Promise<void> {
        noted.push({ tenant, ...deed });
      },
    }),
  };
  return { env: { ...env, TENANT: namespace as unknown as Env['TENANT'] }, asked, noted };
}
