/** `POST /v1/tokens`: issues a client token for an API key. @module */
import { type Scope, TokenScope } from '../../shared/policy/policy.ts';
import { TokenRequest } from '../../shared/protocol/http/token-request.ts';
import { validate } from '../../shared/protocol/validation/validate.ts';
import { type AccessDenied, INVALID_CREDENTIAL } from '../auth/authenticated.ts';
import type { TenantAuthenticator, VerifiedKey } from '../auth/tenant-authenticator.ts';
import { issueToken } from '../auth/tokens.ts';
import { problemResponse } from '../errors/problem.ts';

/** The maximum length of the body: its longest fields have fewer than a thousand bytes. */
export const MAX_TOKEN_BODY_BYTES = 8_192;

/**
 * Returns a token, or why there is none. For a valid key, the outcome is recorded in the tenant's audit trail: the tenant knows
 * also of a key that was revoked after its grant was cached.
 */
export async function issueClientToken(
  request: Request,
  env: Env,
  authenticator: TenantAuthenticator,
  now: number = Date.now(),
): Promise<Response | AccessDenied> {
  const key = await authenticator.verifyKey('api', request, env);
  if ('status' in key) return key;
  const json = await readJson(request);
  if (json === undefined)
    return problemResponse(400, 'The body is not JSON. Send an object such as {"subject":"alice"}.');
  const body = validate(TokenRequest, json, 'The body');
  if (!body.success) return problemResponse(400, body.error);
  const { subject, caller, expires_in } = body.data;
  const site = body.data.site ?? key.grant.site;
  if (site === null)
    return problemResponse(400, 'site: missing. This API key is for several sites. Name one of them.');
  const siteKey =
    body.data.site === undefined ? key : await authenticator.verifyKey('api', request, env, site);
  if ('status' in siteKey) return siteKey;
  const target = `${site}/sub:${subject}`;
  const scopes = grantedScopes(siteKey, body.data);
  if ('status' in scopes) {
    const isValid = await recordMint(request, env, siteKey, { site, target, outcome: 'not allowed' });
    return isValid ? scopes : INVALID_CREDENTIAL;
  }

  const { tenant, id } = siteKey;
  // A token contains whole seconds.
  const expires = Math.floor(now / 1_000 + expires_in) * 1_000;
  const bound = caller === undefined ? {} : { caller };
  const claims = { tenant, site, subject: `sub:${subject}`, scopes, key: id, expires, ...bound };
  const token = await issueToken(claims, env, now);
  const isValid = await recordMint(request, env, siteKey, { site, target, outcome: 'ok' });
  if (!isValid) return INVALID_CREDENTIAL;
  return Response.json({
    token,
    expires: new Date(expires).toISOString(),
    tenant,
    site,
    subject,
    scopes,
    ...bound,
  });
}

/** Returns the scopes of the token: never more than the key has. */
function grantedScopes({ grant }: VerifiedKey, { scopes }: TokenRequest): Scope[] | AccessDenied {
  if (!grant.scopes.includes('tokens'))
    return {
      status: 403,
      reason:
        'This API key cannot issue tokens because it lacks the scope tokens. Use a key that has this scope.',
    };
  const grantable = grant.scopes.filter((scope) => TokenScope.safeParse(scope).success);
  const missing = scopes?.filter((requested) => !grantable.some((scope) => scope === requested)) ?? [];
  if (missing.length > 0)
    return {
      status: 403,
      reason: `scopes: this API key lacks ${missing.join(', ')}. Request only scopes that the key has.`,
    };
  return [...new Set(scopes ?? grantable)];
}

/** Records the outcome in the audit trail of the key's tenant. Returns false, and records nothing, if the key is not valid there now. */
async function recordMint(
  request: Request,
  env: Env,
  { tenant, id }: VerifiedKey,
  { site, target, outcome }: { readonly site: string; readonly target: string; readonly outcome: string },
): Promise<boolean> {
  const address = request.headers.get('CF-Connecting-IP') ?? 'unknown';
  const action = { actor: `key:${id}`, role: null, address, action: 'token.mint', target, outcome };
  return env.TENANT.get(env.TENANT.idFromName(tenant)).recordKeyAction({ key: id, site }, action);
}

/** Returns the body, or undefined where it is not JSON. */
async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    return undefined;
  }
}
