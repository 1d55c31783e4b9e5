/** The results of authentication: a principal and its site, or a denial. @module */
import type { Location } from '../../shared/policy/locations.ts';

/** An authenticated principal, and the site that it may use. */
export interface Authenticated<P> {
  /** Name of the site's object: `tenant/site`. */
  readonly siteName: string;
  /** Where the site's object is to be created. */
  readonly locationHint?: Location;
  readonly principal: P;
}

/** Why access is denied. */
export interface AccessDenied {
  readonly status: 400 | 401 | 403;
  readonly reason: string;
}

/** The one answer to a missing, forged, unknown, wrong, revoked or expired key or token. */
export const INVALID_CREDENTIAL: AccessDenied = {
  status: 401,
  reason: 'Missing, invalid or expired API key or token. Send one as `Authorization: Bearer …`.',
};
