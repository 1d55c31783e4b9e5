/** `GET /v1/me`: describes the principal, so that a page can show what its user may do. @module */
import type { Me } from '../../shared/protocol/http/me.ts';
import type { Authenticated } from '../auth/authenticated.ts';
import type { ClientPrincipal } from '../auth/principal.ts';

/** Returns the response. */
export function describePrincipal({ siteName, principal }: Authenticated<ClientPrincipal>): Me {
  const [tenant = '', site = ''] = siteName.split('/');
  const { subject, scopes, caller, expires, policy } = principal;
  return {
    tenant,
    site,
    subject: subject.replace(/^sub:/, ''),
    scopes,
    limits: policy.limits,
    ...(caller === undefined ? {} : { caller }),
    ...(expires === undefined ? {} : { expires: new Date(expires).toISOString() }),
  };
}
