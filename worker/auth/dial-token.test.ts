/** The keys of the edge, and the tokens that it signs with them. */
import { env } from 'cloudflare:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, it } from 'vitest';
import { JWKS_PATH } from '../../shared/protocol/dial.ts';
import { createApp } from '../app.ts';
import { demoAuthenticator } from './demo-authenticator.ts';
import { loadDialKeys } from './dial-keys.ts';
import { createNonce, signDialToken } from './dial-token.ts';

const older = { KEY_SECRETS: 'k1:0123456789abcdef0123456789abcdef' };
const rotated = { KEY_SECRETS: `k2:fedcba9876543210fedcba9876543210,${older.KEY_SECRETS}` };
const now = Date.UTC(2026, 10, 23, 12);
const audience = 'https://adapter.example.com:8443';

type Secrets = Parameters<typeof signDialToken>[1];

async function publicKeys(secrets: Secrets) {
  return { keys: (await loadDialKeys(secrets)).map(({ publicJwk }) => publicJwk) };
}

async function sign(secrets: Secrets): Promise<string> {
  const claims = { audience, tenant: 'acme', site: 'north', jti: createNonce() };
  return (await signDialToken(claims, secrets, now)) ?? '';
}

it('publishes the keys that verify what it signs, for a minute and this audience', async () => {
  const served = await createApp(demoAuthenticator).request(
    `http://localhost${JWKS_PATH}`,
    {},
    {
      ...env,
      ...rotated,
    },
  );
  expect(served.headers.get('Cache-Control')).toBe('public, max-age=300');
  const keys = (await served.json()) as Awaited<ReturnType<typeof publicKeys>>;
  expect(keys).toEqual(await publicKeys(rotated));
  expect(keys.keys).toEqual([
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: expect.stringMatching(/^[\w-]{43}$/),
      kid: 'k2',
      use: 'sig',
      alg: 'EdDSA',
    },
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: expect.stringMatching(/^[\w-]{43}$/),
      kid: 'k1',
      use: 'sig',
      alg: 'EdDSA',
    },
  ]);
  const { payload, protectedHeader } = await jwtVerify(await sign(rotated), createLocalJWKSet(keys), {
    audience,
    currentDate: new Date(now + 59_000),
  });
  expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: 'k2', typ: 'call-api-dial+jwt' });
  expect(payload).toEqual({
    iss: 'call-api',
    aud: audience,
    tenant: 'acme',
    site: 'north',
    jti: expect.stringMatching(/^[\w-]{43}$/),
    iat: now / 1_000,
    exp: now / 1_000 + 60,
  });
});

it('signs with the newest secret, and verifies with the others until they are removed', async () => {
  const keys = createLocalJWKSet(await publicKeys(rotated));
  const at = { audience, currentDate: new Date(now) };
  await expect(jwtVerify(await sign(older), keys, at)).resolves.toBeDefined();
  const withoutOlder = { KEY_SECRETS: 'k2:fedcba9876543210fedcba9876543210' };
  const remaining = createLocalJWKSet(await publicKeys(withoutOlder));
  await expect(jwtVerify(await sign(older), remaining, at)).rejects.toThrow();
});

it('derives other keys for the demo tenant, and has none without a secret', async () => {
  const demo = await publicKeys({ ADAPTER_KEY: 'the-key-of-the-demo' });
  expect(demo.keys).toMatchObject([{ kid: 'demo' }]);
  expect(await publicKeys({})).toEqual({ keys: [] });
  expect(await signDialToken({ audience, tenant: 'a', site: 'b', jti: 'c' }, {}, now)).toBeUndefined();
});
