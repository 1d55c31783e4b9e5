/**
 * Client tokens: JWTs that a tenant's back end gets for an API key and hands to a browser. HS256 with the
 * deployment's own secret: whoever verifies them could as well have made them.
 * @module
 */
import { errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import { Id, Scope } from '../../shared/policy.ts';
import { isSipUri } from '../../shared/sip-uri.ts';
import type { Variables } from '../variables.ts';
import { keyRing } from './key-ring.ts';

/** What a token says. */
export interface Claims {
  readonly tenant: string;
  readonly site: string;
  /** `sub:` and the `sub` that the token was asked for: as it stands in `Admitted`, apart from API keys' subjects. */
  readonly subject: string;
  readonly scopes: readonly Scope[];
  /** The only address that may dial. */
  readonly caller?: string;
  /** The id of the API key that minted it: the token ends with that. */
  readonly key: string;
  /** In Unix milliseconds; the token itself counts whole seconds, rounded down. */
  readonly expires: number;
}

/** Seconds from minting to expiry. */
export const TOKEN_SECONDS = { min: 60, max: 86_400, default: 3_600 } as const;

/** Who a token is for, as its back end names them. It stands in headers and logs: printable ASCII. */
export const Subject = z
  .string()
  .regex(/^[\x20-\x7e]{1,128}$/, '1 to 128 printable ASCII characters')
  .meta({ examples: ['alice'] });

const ALGORITHM = 'HS256';
const ISSUER = 'call-api';
/** A type of its own, so that no other JWT is taken for one (RFC 8725 §3.11). */
const TYPE = 'call-api+jwt';
/** Characters; with the longest claims it is under 2,000. */
const LONGEST = 4_096;
const PREFIX = 'sub:';

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

/** Signs. Throws where `KEY_SECRETS` is not set, or the subject is not a token's. */
export async function mintToken(
  claims: Claims,
  env: Pick<Variables, 'KEY_SECRETS'>,
  now: number = Date.now(),
): Promise<string> {
  const ring = await keyRing(env, 'tokens');
  if (!ring) throw new Error('without KEY_SECRETS no token can be made: set that secret of the deployment');
  const { subject, expires, tenant, site, scopes, caller, key } = claims;
  if (!subject.startsWith(PREFIX)) throw new Error(`the subject of a token begins with ${PREFIX}`);
  return new SignJWT({ tenant, site, scopes, key, ...(caller === undefined ? {} : { caller }) })
    .setProtectedHeader({ alg: ALGORITHM, kid: ring.first.kid, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(ISSUER)
    .setSubject(subject.slice(PREFIX.length))
    .setIssuedAt(Math.floor(now / 1_000))
    .setExpirationTime(Math.floor(expires / 1_000))
    .sign(ring.first.key);
}

/**
 * Reads a token; undefined unless this deployment has signed it and it has not expired, whatever is wrong with it.
 * Whether the key that minted it still stands is the tenant's to say.
 */
export async function verifyToken(
  text: string,
  env: Pick<Variables, 'KEY_SECRETS'>,
  now: number = Date.now(),
): Promise<Claims | undefined> {
  if (text.length > LONGEST) return undefined;
  const ring = await keyRing(env, 'tokens');
  if (!ring) return undefined;
  const payload = await verified(text, (kid) => ring.find(kid)?.key, now);
  const read = Payload.safeParse(payload);
  if (!read.success || read.data.exp - read.data.iat > TOKEN_SECONDS.max) return undefined;
  const { tenant, site, sub, scopes, caller, key, exp } = read.data;
  const bound = caller === undefined ? {} : { caller };
  return { tenant, site, subject: `${PREFIX}${sub}`, scopes, key, expires: exp * 1_000, ...bound };
}

async function verified(
  text: string,
  keyOf: (kid: string) => CryptoKey | undefined,
  now: number,
): Promise<unknown> {
  try {
    const { payload } = await jwtVerify(
      text,
      ({ kid = '' }) => {
        const key = keyOf(kid);
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
