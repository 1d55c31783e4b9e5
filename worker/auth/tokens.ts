/**
 * Client tokens: JWTs that a tenant's back end requests with an API key and passes to a browser. They are signed with
 * HS256 and the deployment's own secret, because the deployment that issues them also verifies them.
 * @module
 */
import { errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import { Id, Scope } from '../../shared/policy/policy.ts';
import { Subject, TOKEN_SECONDS } from '../../shared/protocol/http/token-request.ts';
import { isSipUri } from '../../shared/sip/sip-uri.ts';
import { loadKeyRing } from './key-ring.ts';

/** The claims of a token. */
export interface Claims {
  readonly tenant: string;
  readonly site: string;
  /** `sub:` and the requested subject, as in `Principal`, to distinguish it from the subjects of API keys. */
  readonly subject: string;
  readonly scopes: readonly Scope[];
  /** The only SIP URI that may dial. */
  readonly caller?: string;
  /** Id of the API key that issued the token: the token is valid only as long as that key is. */
  readonly key: string;
  /** In Unix milliseconds. The token itself contains whole seconds, rounded down. */
  readonly expires: number;
}

const ALGORITHM = 'HS256';
const ISSUER = 'call-api';
/** A type of its own, so that no other kind of JWT is accepted (RFC 8725 §3.11). */
const TYPE = 'call-api+jwt';
/** With the longest claims, a token has fewer than 2,000 characters. */
const MAX_TOKEN_CHARACTERS = 4_096;
/** The clocks of two machines that issue and verify a token differ by less than this, in milliseconds. */
const MAX_CLOCK_DIFFERENCE_MS = 60_000;
const SUBJECT_PREFIX = 'sub:';

const Payload = z.object({
  tenant: Id,
  site: Id,
  sub: Subject,
  scopes: z.array(Scope),
  caller: z.string().refine(isSipUri).optional(),
  key: Id,
  iat: z.number(),
  exp: z.number(),
});

/** Returns a signed token. Throws where `KEY_SECRETS` is not set, or the subject lacks its prefix. */
export async function issueToken(
  claims: Claims,
  env: Pick<Env, 'KEY_SECRETS'>,
  now: number = Date.now(),
): Promise<string> {
  const ring = await loadKeyRing(env, 'tokens');
  if (!ring) throw new Error('Tokens require KEY_SECRETS: set this secret of the deployment');
  const { subject, expires, tenant, site, scopes, caller, key } = claims;
  if (!subject.startsWith(SUBJECT_PREFIX))
    throw new Error(`The subject of a token must start with ${SUBJECT_PREFIX}`);
  return new SignJWT({ tenant, site, scopes, key, ...(caller === undefined ? {} : { caller }) })
    .setProtectedHeader({ alg: ALGORITHM, kid: ring.current.kid, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(ISSUER)
    .setSubject(subject.slice(SUBJECT_PREFIX.length))
    .setIssuedAt(Math.floor(now / 1_000))
    .setExpirationTime(Math.floor(expires / 1_000))
    .sign(ring.current.key);
}

/**
 * Returns the claims of a token, or undefined, without a reason, where this deployment has not signed it or it has
 * expired. Whether the key that issued it is still valid is for its tenant to decide.
 */
export async function verifyToken(
  text: string,
  env: Pick<Env, 'KEY_SECRETS'>,
  now: number = Date.now(),
): Promise<Claims | undefined> {
  if (text.length > MAX_TOKEN_CHARACTERS) return undefined;
  const ring = await loadKeyRing(env, 'tokens');
  if (!ring) return undefined;
  const payload = await verifySignature(text, (kid) => ring.find(kid)?.key, now);
  const parsed = Payload.safeParse(payload);
  if (!parsed.success || parsed.data.exp - parsed.data.iat > TOKEN_SECONDS.max) return undefined;
  // It was issued before the clock was set back: its time has not come.
  if (parsed.data.iat * 1_000 > now + MAX_CLOCK_DIFFERENCE_MS) return undefined;
  const { tenant, site, sub, scopes, caller, key, exp } = parsed.data;
  const bound = caller === undefined ? {} : { caller };
  return { tenant, site, subject: `${SUBJECT_PREFIX}${sub}`, scopes, key, expires: exp * 1_000, ...bound };
}

async function verifySignature(
  text: string,
  findKey: (kid: string) => CryptoKey | undefined,
  now: number,
): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(
      text,
      ({ kid = '' }) => {
        const key = findKey(kid);
        if (!key) throw new errors.JWKSNoMatchingKey();
        return key;
      },
      {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: ISSUER,
        typ: TYPE,
        requiredClaims: ['iat', 'exp'],
        currentDate: new Date(now),
      },
    );
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
