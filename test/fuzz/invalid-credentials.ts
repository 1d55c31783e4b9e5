/** Invalid API keys and tokens: modified valid ones, and invented ones. @module */
import * as fc from 'fast-check';
import { appendMac, signToken, unsignedToken } from '../tenants/forged-credentials.ts';

const CHARACTERS = [...'Aa0._-+/= ~'];
const MUTATIONS = [
  'replace character',
  'insert character',
  'truncate',
  'remove part',
  'repeat part',
  'reverse parts',
  'upper case',
  'empty part',
  'pad',
] as const;

/** Returns valid credentials with one mutation. */
export function mutateCredential(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(valid, fc.nat(2_000), fc.constantFrom(...CHARACTERS), fc.constantFrom(...MUTATIONS))
    .map(([text, n, character, mutation]) => {
      // Not the last character: some bits of it are unused in a signature, so another one may be equivalent.
      const index = n % (text.length - 1);
      const parts = text.split('.');
      const partIndex = n % parts.length;
      switch (mutation) {
        case 'replace character':
          return text.slice(0, index) + character + text.slice(index + 1);
        case 'insert character':
          return text.slice(0, index) + character + text.slice(index);
        case 'truncate':
          return text.slice(0, index);
        case 'remove part':
          return parts.toSpliced(partIndex, 1).join('.');
        case 'repeat part':
          return parts.toSpliced(partIndex, 0, parts[partIndex] ?? '').join('.');
        case 'reverse parts':
          return parts.toReversed().join('.');
        case 'empty part':
          return parts.with(partIndex, '').join('.');
        case 'upper case':
          return text.toUpperCase();
        default:
          return text + character.repeat(1 + (n % 500));
      }
    });
}

const id = fc.constantFrom(
  't1',
  't2',
  't9',
  's1',
  's9',
  '',
  '../t1',
  '__proto__',
  'T1',
  't1/s1',
  'a'.repeat(33),
);
const claim = fc.oneof(id, fc.jsonValue({ maxDepth: 1 }));
const claims = fc.record(
  {
    ...{ tenant: claim, site: claim, sub: claim, key: claim, caller: claim, iss: claim, aud: claim },
    scopes: fc.oneof(claim, fc.constant(['CallStart', 'tokens', 'admin'])),
    exp: fc.oneof(claim, fc.constantFrom(0, -1, 9_999_999_999, 1e300)),
    iat: fc.oneof(claim, fc.constantFrom(0, 9_999_999_999)),
  },
  { requiredKeys: [] },
);
const signing = fc.record(
  {
    kid: fc.constantFrom('k1', 'k2', 'k9', '', '__proto__', '../k2'),
    secret: fc.constantFrom('another-deployment-another-deployment', ''),
    use: fc.constantFrom('tokens', 'api-keys', ''),
    alg: fc.constantFrom('HS256' as const, 'HS384' as const, 'HS512' as const),
    typ: fc.constantFrom('JWT', 'call-api+jwt', ''),
  },
  { requiredKeys: ['secret'] },
);

/**
 * Tokens with any claims, signed with a secret of another deployment or not at all, and correctly signed tokens with
 * invalid claims.
 */
export const inventedToken: fc.Arbitrary<Promise<string>> = fc.oneof(
  fc.tuple(claims, signing).map(([claimSet, options]) => signToken(claimSet, options)),
  claims.map(async (claimSet) => unsignedToken(claimSet)),
  // A token without a required claim is invalid, even with a correct signature.
  claims.map((claimSet) => signToken({ ...claimSet, key: undefined })),
  fc
    .tuple(fc.constantFrom('none', 'None', 'NONE', 'HS256', 'RS256', 'ES256', 'dir'), claims)
    .map(async ([alg, claimSet]) =>
      [{ alg, kid: 'k2', typ: 'call-api+jwt' }, claimSet, {}].map(encodePart).join('.'),
    ),
);

/** Keys signed with another secret, and texts that resemble a key. */
export const inventedKey: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('api', 'adapter', 'admin', ''),
      id,
      id,
      fc.base64String({ minLength: 1, maxLength: 60 }),
    )
    .map(([role, tenant, key, secret]) =>
      appendMac(['ca', 'k2', role, tenant, key, secret].join('.'), {
        secret: 'another-deployment-another-deployment',
      }),
    ),
  fc
    .array(fc.constantFrom('ca', 'k1', 'k2', 'api', 'adapter', 't1', '', '__proto__'), { maxLength: 10 })
    .map((parts) => parts.join('.')),
  fc.string({ maxLength: 300 }),
);

function encodePart(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
