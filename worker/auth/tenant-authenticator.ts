/** Authenticates API keys and tokens of tenants. Forged credentials are rejected without asking any object. @module */
import { Id, type KeyRole } from '../../shared/policy/policy.ts';
import type { AccessDecision } from '../tenant/access.ts';
import { parseApiKey } from './api-keys.ts';
import { type AccessDenied, type Authenticated, INVALID_CREDENTIAL } from './authenticated.ts';
import type { Authenticator } from './authenticator.ts';
import { extractCredential } from './credentials.ts';
import type { GrantCache } from './grant-cache.ts';
import { hashSecret } from './key-text.ts';
import { ownOrigin } from './own-origin.ts';
import type { AdapterPrincipal, ClientPrincipal } from './principal.ts';
import { type Claims, verifyToken } from './tokens.ts';

type AccessGrant = Extract<AccessDecision, { readonly ok: true }>;

/** A valid key, and what its tenant grants it. */
export interface VerifiedKey {
  readonly tenant: string;
  readonly id: string;
  readonly grant: AccessGrant;
}

const SITE_REQUIRED: AccessDenied = {
  status: 400,
  reason: 'site: missing. This API key is for several sites. Name one of them with ?site=….',
};

const ORIGIN_NOT_ALLOWED: AccessDenied = {
  status: 403,
  reason:
    'Web pages of this origin are not allowed. Ask an administrator to add the origin to those of the tenant.',
};

/** The authenticator of a deployment. */
export class TenantAuthenticator implements Authenticator {
  readonly #grants: GrantCache;
  readonly #clock: () => number;

  /** @param clock returns the time in Unix milliseconds */
  constructor(grants: GrantCache, clock: () => number = Date.now) {
    this.#grants = grants;
    this.#clock = clock;
  }

  async authenticateClient(
    request: Request,
    env: Env,
  ): Promise<Authenticated<ClientPrincipal> | AccessDenied> {
    const claims = await verifyToken(extractCredential(request) ?? '', env, this.#clock());
    return claims ? this.#authenticateByToken(claims, request, env) : this.#authenticateByKey(request, env);
  }

  async authenticateAdapter(
    request: Request,
    env: Env,
  ): Promise<Authenticated<AdapterPrincipal> | AccessDenied> {
    const verified = await this.verifyKey('adapter', request, env);
    if ('status' in verified) return verified;
    const { tenant, id, grant } = verified;
    if (grant.site === null) return INVALID_CREDENTIAL;
    const principal: AdapterPrincipal = { role: 'adapter', key: id, policy: grant.policy };
    return authenticated(tenant, grant.site, grant, principal);
  }

  /**
   * Verifies the API key of a request.
   * @param site where the key must be valid; absent for the site that it is for, or any
   */
  async verifyKey(
    role: KeyRole,
    request: Request,
    env: Env,
    site?: string,
  ): Promise<VerifiedKey | AccessDenied> {
    const key = await parseApiKey(extractCredential(request) ?? '', env);
    if (key?.role !== role || (site !== undefined && !Id.safeParse(site).success)) return INVALID_CREDENTIAL;
    const { tenant, id } = key;
    const accessRequest = {
      key: id,
      secretHash: await hashSecret(key.secret),
      ...(site === undefined ? {} : { site }),
    };
    const grant = await this.#grants.get(tenant, accessRequest, env, this.#clock());
    if (!grant.ok || grant.role !== role) return INVALID_CREDENTIAL;
    return isOriginAllowed(request, grant) ? { tenant, id, grant } : ORIGIN_NOT_ALLOWED;
  }

  async #authenticateByKey(
    request: Request,
    env: Env,
  ): Promise<Authenticated<ClientPrincipal> | AccessDenied> {
    const requestedSite = new URL(request.url).searchParams.get('site') ?? undefined;
    const verified = await this.verifyKey('api', request, env, requestedSite);
    if ('status' in verified) return verified;
    const { tenant, id, grant } = verified;
    const site = requestedSite ?? grant.site;
    if (site === null) return SITE_REQUIRED;
    const { scopes, policy } = grant;
    const principal: ClientPrincipal = { role: 'client', subject: `key:${id}`, key: id, scopes, policy };
    return authenticated(tenant, site, grant, principal);
  }

  /** A token has no more scopes than the key that issued it has now. */
  async #authenticateByToken(
    claims: Claims,
    request: Request,
    env: Env,
  ): Promise<Authenticated<ClientPrincipal> | AccessDenied> {
    const { tenant, site, key, subject, caller, expires } = claims;
    const grant = await this.#grants.get(tenant, { key, site }, env, this.#clock());
    if (!grant.ok || grant.role !== 'api') return INVALID_CREDENTIAL;
    if (!isOriginAllowed(request, grant)) return ORIGIN_NOT_ALLOWED;
    const scopes = claims.scopes.filter((scope) => grant.scopes.includes(scope));
    const bound = caller === undefined ? {} : { caller };
    const { policy } = grant;
    const principal: ClientPrincipal = { role: 'client', subject, key, scopes, expires, policy, ...bound };
    return authenticated(tenant, site, grant, principal);
  }
}

function authenticated<P>(
  tenant: string,
  site: string,
  { locationHint }: AccessGrant,
  principal: P,
): Authenticated<P> {
  return {
    siteName: `${tenant}/${site}`,
    principal,
    ...(locationHint === undefined ? {} : { locationHint }),
  };
}

/**
 * Returns whether the web page that sent a request may use the tenant. Browsers tell the origin of the page, and no page
 * can make them lie (RFC 6454 §7); other clients send none. The only page of the Worker's own origin is the console,
 * which is as trustworthy as the Worker that serves it.
 */
function isOriginAllowed(request: Request, { origins }: AccessGrant): boolean {
  const origin = request.headers.get('Origin');
  if (origin === null || origin === ownOrigin(request)) return true;
  return origins.includes('*') || origins.includes(origin);
}
