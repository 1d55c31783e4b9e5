/** Only client tokens that are signed here are valid, and only until they expire. */
import { SignJWT, UnsecuredJWT } from 'jose';
import { expect, it } from 'vitest';
import { TOKEN_SECONDS } from '../../shared/protocol/http/token-request.ts';
import { loadKeyRing } from './key-ring.ts';
import { type Claims, issueToken, verifyToken } from './tokens.ts';

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

it('contains the claims that it was issued with', async () => {
  expect(await verifyToken(await issueToken(claims, env, now), env, now)).toEqual(claims);
  const bound = { ...claims, caller: 'sip:alice@example.com' };
  expect(await verifyToken(await issueToken(bound, env, now), env, now)).toEqual(bound);
});

it('is valid until the millisecond at which it expires', async () => {
  const token = await issueToken(claims, env, now);
  expect(await verifyToken(token, env, claims.expires - 1_000)).toEqual(claims);
  expect(await verifyToken(token, env, claims.expires)).toBeUndefined();
  expect(await verifyToken(token, env, claims.expires + 1)).toBeUndefined();
});

it('is not valid before it was issued, as the clock says when it was set back', async () => {
  const token = await issueToken(claims, env, now);
  expect(await verifyToken(token, env, now - 60_000)).toEqual(claims);
  expect(await verifyToken(token, env, now - 61_000)).toBeUndefined();
});

it('stays valid when its signing secret is no longer the newest, but not when it is removed', async () => {
  const token = await issueToken(claims, env, now);
  expect(await verifyToken(token, rotated, now)).toEqual(claims);
  const newerToken = await issueToken(claims, rotated, now);
  expect(await verifyToken(newerToken, rotated, now)).toEqual(claims);
  expect(await verifyToken(newerToken, env, now)).toBeUndefined();
  const newOnly = { KEY_SECRETS: 'k2:fedcba9876543210fedcba9876543210' };
  expect(await verifyToken(token, newOnly, now)).toBeUndefined();
});

it('is not issued without a secret, or for a subject without the prefix', async () => {
  await expect(issueToken(claims, {}, now)).rejects.toThrow('KEY_SECRETS');
  await expect(issueToken({ ...claims, subject: 'key:k7x2' }, env, now)).rejects.toThrow('sub:');
});

/** Returns a token that is valid except for the given changes. */
async function forgeToken(
  change: { readonly header?: object; readonly payload?: object; readonly use?: 'api-keys' },
  secrets: Pick<Env, 'KEY_SECRETS'> = env,
): Promise<string> {
  const ring = await loadKeyRing(secrets, change.use ?? 'tokens');
  if (!ring) throw new Error('no ring');
  const seconds = now / 1_000;
  const { tenant, site, scopes, key } = claims;
  const payload = {
    ...{ tenant, site, scopes, key, sub: 'alice', iss: 'call-api', aud: 'call-api' },
    ...{ iat: seconds, exp: seconds + 60 },
    ...change.payload,
  };
  const header = { alg: 'HS256', kid: 'k1', typ: 'call-api+jwt', ...change.header };
  return new SignJWT(payload).setProtectedHeader(header).sign(ring.current.key);
}

it('is valid when it is forged without changes', async () => {
  expect(await verifyToken(await forgeToken({}), env, now)).toMatchObject({ subject: 'sub:alice' });
});

it.each<[string, Parameters<typeof forgeToken>]>([
  [
    'signed with another secret of the same name',
    [{}, { KEY_SECRETS: 'k1:another-secret-another-secret-xx' }],
  ],
  ['signed with the key of another use', [{ use: 'api-keys' }]],
  ['of an unknown kid', [{ header: { kid: 'k9' } }]],
  ['of a kid that is a property of every object', [{ header: { kid: 'constructor' } }]],
  ['without a kid', [{ header: { kid: undefined } }]],
  ['of another type', [{ header: { typ: 'JWT' } }]],
  ['without a type', [{ header: { typ: undefined } }]],
  ['of another issuer', [{ payload: { iss: 'https://example.com' } }]],
  ['for another audience', [{ payload: { aud: 'other' } }]],
  ['that never expires', [{ payload: { exp: undefined } }]],
  ['without its time of issue', [{ payload: { iat: undefined } }]],
  ['for longer than a day', [{ payload: { exp: now / 1_000 + TOKEN_SECONDS.max + 1 } }]],
  ['that is not valid yet', [{ payload: { nbf: now / 1_000 + 10 } }]],
  ['with an unknown scope', [{ payload: { scopes: ['everything'] } }]],
  ['without scopes', [{ payload: { scopes: undefined } }]],
  ['for a malformed tenant', [{ payload: { tenant: '../acme' } }]],
  ['for no site', [{ payload: { site: undefined } }]],
  ['for a subject with a line break', [{ payload: { sub: 'a\nb' } }]],
  ['bound to a malformed SIP URI', [{ payload: { caller: 'sip:' } }]],
])('rejects a token %s', async (_, forgery) => {
  expect(await verifyToken(await forgeToken(...forgery), env, now)).toBeUndefined();
});

it.each([
  ['an empty text', ''],
  ['a text that is no JWT', 'ca.k1.api.acme'],
  ['three dots', '...'],
  ['a very long text', 'e'.repeat(100_000)],
  ['alg none', new UnsecuredJWT({ tenant: 'acme', sub: 'alice' }).setIssuer('call-api').encode()],
])('rejects %s', async (_, text) => {
  expect(await verifyToken(text, env, now)).toBeUndefined();
});

it('rejects a token whose parts are changed or swapped', async () => {
  const token = await issueToken(claims, env, now);
  const otherToken = await issueToken({ ...claims, tenant: 'globex' }, env, now);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const otherPayload = otherToken.split('.')[1] ?? '';
  const noneHeader = btoa('{"alg":"none","kid":"k1","typ":"call-api+jwt"}').replace(/=+$/, '');
  for (const text of [
    `${header}.${otherPayload}.${signature}`,
    `${header}.${payload}.`,
    `${noneHeader}.${payload}.`,
    `${noneHeader}.${payload}.${signature}`,
    `${header}.${payload}.${signature.slice(0, -2)}`,
  ]) {
    expect(await verifyToken(text, env, now)).toBeUndefined();
  }
});
