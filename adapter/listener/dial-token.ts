/** Verifies the JWT with which the edge dials. Pure, but for the keys that it asks for. @module */
import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as z from 'zod';
import { DIAL_TOKEN } from '../../shared/protocol/dial.ts';
import { ExplainedError } from '../../shared/settings/error-reason.ts';
import { quote } from '../../shared/settings/quote.ts';
import type { Refusal } from './refusal.ts';

/** What a token must be for. */
export interface DialExpectation {
  /** The origin of the public URL. */
  readonly audience: string;
  /** The tenant of the adapter's key. The token has the site as well, but a key does not tell its site: the edge checks it with the proof. */
  readonly tenant: string;
}

/** A token that is valid now. Whether it was used before is not known yet. */
export interface DialToken {
  readonly nonce: string;
  /** In Unix seconds. */
  readonly expires: number;
}

/** A token has some 500 characters with the longest names. */
const MAX_TOKEN_LENGTH = 4_096;

/** How far the clock of the edge may be ahead of this one, in seconds. */
const MAX_CLOCK_LEAD_S = 60;

const Claims = z.object({
  aud: z.string(),
  tenant: z.string().min(1),
  site: z.string().min(1),
  /** 32 random bytes in base64url. */
  jti: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  iat: z.number(),
  exp: z.number(),
});

/** @param now in Unix milliseconds */
export async function verifyDialToken(
  token: string,
  { audience, tenant }: DialExpectation,
  keys: JWTVerifyGetKey,
  now: number,
): Promise<DialToken | Refusal> {
  if (token.length > MAX_TOKEN_LENGTH) return { refused: 'malformed' };
  let payload: unknown;
  try {
    const verified = await jwtVerify(token, keys, {
      algorithms: [DIAL_TOKEN.algorithm],
      typ: DIAL_TOKEN.type,
      issuer: DIAL_TOKEN.issuer,
      currentDate: new Date(now),
    });
    payload = verified.payload;
  } catch (error) {
    return refusalOf(error);
  }
  // From here on the edge has signed what is logged.
  const claims = Claims.safeParse(payload);
  if (!claims.success) return { refused: 'malformed' };
  const { aud, jti, iat, exp, ...claimed } = claims.data;
  if (iat > now / 1_000 + MAX_CLOCK_LEAD_S) return { refused: 'future' };
  if (exp - iat > DIAL_TOKEN.seconds) return { refused: 'malformed', detail: `valid for ${exp - iat} s` };
  if (aud !== audience) return { refused: 'audience', detail: `${quote(aud)} instead of ${quote(audience)}` };
  if (claimed.tenant !== tenant)
    return { refused: 'tenant', detail: `${quote(claimed.tenant)} instead of ${quote(tenant)}` };
  return { nonce: jti, expires: exp };
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return { refused: 'expired' };
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  )
    return { refused: 'signature' };
  if (
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported
  )
    return { refused: 'malformed' };
  if (error instanceof ExplainedError) return { refused: 'keys', detail: error.reason };
  const detail = error instanceof errors.JWKSTimeout ? 'no answer in time' : 'what answers is no set of keys';
  return { refused: 'keys', detail };
}
