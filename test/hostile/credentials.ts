/** Keys and tokens that open nothing: good ones that were tampered with, and ones that were made up. @module */
import * as fc from 'fast-check';
import { sealed, token, unsigned } from '../tenants/forge.ts';

const CHARACTERS = [...'Aa0._-+/= ~'];

/** A good text with one thing done to it. */
export function tampered(good: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(
      good,
      fc.nat(2_000),
      fc.constantFrom(...CHARACTERS),
      fc.constantFrom('put', 'insert', 'cut', 'drop', 'double', 'swap', 'shout', 'empty', 'pad'),
    )
    .map(([text, n, character, what]) => {
      // The last character of a signature has bits that stand for nothing: another may well be the same signature.
      const at = n % (text.length - 1);
      const parts = text.split('.');
      const part = n % parts.length;
      switch (what) {
        case 'put':
          return text.slice(0, at) + character + text.slice(at + 1);
        case 'insert':
          return text.slice(0, at) + character + text.slice(at);
        case 'cut':
          return text.slice(0, at);
        case 'drop':
          return parts.toSpliced(part, 1).join('.');
        case 'double':
          return parts.toSpliced(part, 0, parts[part] ?? '').join('.');
        case 'swap':
          return parts.toReversed().join('.');
        case 'empty':
          return parts.with(part, '').join('.');
        case 'shout':
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

/** Tokens: with claims of any kind by secrets that are not ours, by nobody, or by ours with claims that cannot be. */
export const madeUpTokens: fc.Arbitrary<Promise<string>> = fc.oneof(
  fc.tuple(claims, signing).map(([said, by]) => token(said, by)),
  claims.map(async (said) => unsigned(said)),
  // Without the claims that it needs a token is none, whoever has signed it.
  claims.map((said) => token({ ...said, key: undefined })),
  fc
    .tuple(fc.constantFrom('none', 'None', 'NONE', 'HS256', 'RS256', 'ES256', 'dir'), claims)
    .map(async ([alg, said]) => [{ alg, kid: 'k2', typ: 'call-api+jwt' }, said, {}].map(encoded).join('.')),
);

/** Keys by another secret, and texts that look like one. */
export const madeUpKeys: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('api', 'adapter', 'admin', ''),
      id,
      id,
      fc.base64String({ minLength: 1, maxLength: 60 }),
    )
    .map(([role, tenant, key, secret]) =>
      sealed(['ca', 'k2', role, tenant, key, secret].join('.'), {
        secret: 'another-deployment-another-deployment',
      }),
    ),
  fc
    .array(fc.constantFrom('ca', 'k1', 'k2', 'api', 'adapter', 't1', '', '__proto__'), { maxLength: 10 })
    .map((parts) => parts.join('.')),
  fc.string({ maxLength: 300 }),
);

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
