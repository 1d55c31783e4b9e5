/** Client tokens: what is signed here holds until it expires, and nothing else ever does. */
import { SignJWT, UnsecuredJWT } from 'jose';
import { expect, it } from 'vitest';
import type { Variables } from '../variables.ts';
import { keyRing } from './key-ring.ts';
import { type Claims, mintToken, TOKEN_SECONDS, verifyToken } from './tokens.ts';

const env = { KEY_SECRETS: 'k1:0123456789abcdef0123456789abcdef' };
const rotated = { KEY_SECRETS: `k2:fedcba9876543210fedcba9876543210,${env.KEY_SECRETS}` };
const now = Date.UTC(2026, 10, 23, 12);
const claims: Claims = {
  tenant: 'acme',
  site: 'north',
  subject: 'sub:alice@example.com',
  scopes: ['CallStart', 'read'],
  key: 'k7x2',
  expires: now + 60_000,
};

it('says what it was asked to say', async () => {
  expect(await verifyToken(await mintToken(claims, env, now), env, now)).toEqual(claims);
  const bound = { ...claims, caller: 'sip:alice@example.com' };
  expect(await verifyToken(await mintToken(bound, env, now), env, now)).toEqual(bound);
});

it('holds until the millisecond at which it expires', async () => {
  const token = await mintToken(claims, env, now);
  expect(await verifyToken(token, env, claims.expires - 1_000)).toEqual(claims);
  expect(await verifyToken(token, env, claims.expires)).toBeUndefined();
  expect(await verifyToken(token, env, claims.expires + 1)).toBeUndefined();
});

it('outlives its secret being first, but not its secret', async () => {
  const token = await mintToken(claims, env, now);
  expect(await verifyToken(token, rotated, now)).toEqual(claims);
  const newer = await mintToken(claims, rotated, now);
  expect(await verifyToken(newer, rotated, now)).toEqual(claims);
  expect(await verifyToken(newer, env, now)).toBeUndefined();
  const without = { KEY_SECRETS: 'k2:fedcba9876543210fedcba9876543210' };
  expect(await verifyToken(token, without, now)).toBeUndefined();
});

it('is not made without a secret, and not for what is no subject of a token', async () => {
  await expect(mintToken(claims, {}, now)).rejects.toThrow('KEY_SECRETS');
  await expect(mintToken({ ...claims, subject: 'key:k7x2' }, env, now)).rejects.toThrow('sub:');
});

/** A token right in all but what is changed. */
async function forged(
  change: { readonly header?: object; readonly payload?: object; readonly use?: 'api-keys' },
  secrets: Pick<Variables, 'KEY_SECRETS'> = env,
): Promise<string> {
  const ring = await keyRing(secrets, change.use ?? 'tokens');
  if (!ring) throw new Error('no ring');
  const seconds = now / 1_000;
  const { tenant, site, scopes, key } = claims;
  const payload = {
    ...{ tenant, site, scopes, key, sub: 'alice', iss: 'call-api', aud: 'call-api' },
    ...{ iat: seconds, exp: seconds + 60 },
    ...change.payload,
  };
  const header = { alg: 'HS256', kid: 'k1', typ: 'call-api+jwt', ...change.header };
  return new SignJWT(payload).setProtectedHeader(header).sign(ring.first.key);
}

it('the forger of these tests can do it right', async () => {
  expect(await verifyToken(await forged({}), env, now)).toMatchObject({ subject: 'sub:alice' });
});

it.each<[string, Parameters<typeof forged>]>([
  [
    'signed with another secret of the same name',
    [{}, { KEY_SECRETS: 'k1:another-secret-another-secret-xx' }],
  ],
  ['signed with the key of another use', [{ use: 'api-keys' }]],
  ['of an unknown kid', [{ header: { kid: 'k9' } }]],
  ['of a kid that every object has', [{ header: { kid: 'constructor' } }]],
  ['without a kid', [{ header: { kid: undefined } }]],
  ['of another type', [{ header: { typ: 'JWT' } }]],
  ['without a type', [{ header: { typ: undefined } }]],
  ['of another issuer', [{ payload: { iss: 'https://example.com' } }]],
  ['for another audience', [{ payload: { aud: 'other' } }]],
  ['that never expires', [{ payload: { exp: undefined } }]],
  ['of no known age', [{ payload: { iat: undefined } }]],
  ['for longer than a day', [{ payload: { exp: now / 1_000 + TOKEN_SECONDS.max + 1 } }]],
  ['that begins later', [{ payload: { nbf: now / 1_000 + 10 } }]],
  ['with a scope that there is not', [{ payload: { scopes: ['everything'] } }]],
  ['without scopes', [{ payload: { scopes: undefined } }]],
  ['for a tenant that cannot be', [{ payload: { tenant: '../acme' } }]],
  ['for no site', [{ payload: { site: undefined } }]],
  ['for a subject of several lines', [{ payload: { sub: 'a\nb' } }]],
  ['bound to what is no address', [{ payload: { caller: 'sip:' } }]],
])('a token %s is none', async (_, forgery) => {
  expect(await verifyToken(await forged(...forgery), env, now)).toBeUndefined();
});

it.each([
  ['nothing', ''],
  ['no JWT', 'ca.k1.api.acme'],
  ['three dots', '...'],
  ['a very long text', 'e'.repeat(100_000)],
  ['alg none', new UnsecuredJWT({ tenant: 'acme', sub: 'alice' }).setIssuer('call-api').encode()],
])('%s is no token', async (_, text) => {
  expect(await verifyToken(text, env, now)).toBeUndefined();
});

it('a token whose parts are changed or swapped is none', async () => {
  const token = await mintToken(claims, env, now);
  const other = await mintToken({ ...claims, tenant: 'globex' }, env, now);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const theirs = other.split('.')[1] ?? '';
  const none = btoa('{"alg":"none","kid":"k1","typ":"call-api+jwt"}').replace(/=+$/, '');
  for (const text of [
    `${header}.${theirs}.${signature}`,
    `${header}.${payload}.`,
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    `${header}.${payload}.${signature.slice(0, -2)}`,
  ]) {
    expect(await verifyToken(text, env, now)).toBeUndefined();
  }
});
