/** Who may use `/v1/manage`: an API key with the scope `manage`, for its own tenant only. @module */
import type { Context, MiddlewareHandler } from 'hono';
import { type AccessDenied, INVALID_CREDENTIAL } from '../../auth/authenticated.ts';
import type { TenantAuthenticator } from '../../auth/tenant-authenticator.ts';
import { problemResponse } from '../../errors/problem.ts';
import type { Actor } from '../../tenant/audit.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import { addressOf } from '../admin/request-response.ts';

export interface ManageEnv {
  readonly Bindings: Env;
  readonly Variables: {
    readonly actor: Actor;
    readonly tenant: DurableObjectStub<Tenant>;
    readonly tenantId: string;
  };
}

const SCOPE_MISSING: AccessDenied = {
  status: 403,
  reason:
    'This API key cannot manage its tenant because it lacks the scope manage. Ask an administrator for a key that has it.',
};

const SITE_KEY: AccessDenied = {
  status: 403,
  reason:
    'This API key cannot manage its tenant because it is for one site. Ask an administrator for a key that is for all sites.',
};

/** Sets the tenant of a request and the actor, or answers 401 or 403. */
export function authenticateManager(authenticator: TenantAuthenticator): MiddlewareHandler<ManageEnv> {
  return async (context, next) => {
    const denial = await deny(context, authenticator);
    if (denial) return problemResponse(denial.status, denial.reason);
    return next();
  };
}

async function deny(
  { env, req, set }: Context<ManageEnv>,
  authenticator: TenantAuthenticator,
): Promise<AccessDenied | undefined> {
  const key = await authenticator.verifyKey('api', req.raw, env);
  if ('status' in key) return key;
  const tenant = env.TENANT.get(env.TENANT.idFromName(key.tenant));
  // The grant may have been cached before the key was revoked.
  const current = await tenant.authorize({ key: key.id });
  if (!current.ok) return INVALID_CREDENTIAL;
  if (!current.scopes.includes('manage')) return SCOPE_MISSING;
  if (current.site !== null) return SITE_KEY;
  set('tenant', tenant);
  set('tenantId', key.tenant);
  set('actor', { actor: `key:${key.id}`, role: null, address: addressOf(req.raw), manager: key.id });
  return undefined;
}
