/** `GET /v1/me`: describes the principal, so that a page can show what its user may do. @module */
import type { Me } from '../../shared/protocol/http/me.ts';
import type { SiteUsage } from '../../shared/protocol/http/usage.ts';
import type { Authenticated } from '../auth/authenticated.ts';
import type { ClientPrincipal } from '../auth/principal.ts';

/** Returns the response. Whoever sees all calls of the site also sees what these use of its limits. */
export function describePrincipal(
  { siteName, principal }: Authenticated<ClientPrincipal>,
  usage: SiteUsage,
): Me {
  const [tenant = '', site = ''] = siteName.split('/');
  const { subject, scopes, caller, expires, policy } = principal;
  return {
    tenant,
    site,
    subject: subject.replace(/^sub:/, ''),
    scopes,
    limits: policy.limits,
    ...(scopes.includes('read') && caller === undefined ? { usage } : {}),
    ...(caller === undefined ? {} : { caller }),
    ...(expires === undefined ? {} : { expires: new Date(expires).toISOString() }),
  };
}
