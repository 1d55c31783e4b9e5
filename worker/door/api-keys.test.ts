/** API keys: only what this deployment has made is read as one. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ApiKey, formatKey, hashSecret, readKey } from './api-keys.ts';

const env = { KEY_SECRETS: 'k1:0123456789abcdef0123456789abcdef' };
const key: ApiKey = { role: 'api', tenant: 'acme', id: 'k7x2', secret: 'abcdefghijklmnopqrstuvwxyz012345' };

it('is read as it was written', async () => {
  for (const role of ['api', 'adapter'] as const) {
    const text = await formatKey({ ...key, role }, env);
    expect(await readKey(text, env)).toEqual({ ...key, role });
  }
});

it('the longest key is read', async () => {
  const long = { KEY_SECRETS: `${'k'.repeat(16)}:${'s'.repeat(32)}` };
  const longest: ApiKey = {
    role: 'adapter',
    tenant: 't'.repeat(32),
    id: 'i'.repeat(32),
    secret: '_'.repeat(128),
  };
  expect(await readKey(await formatKey(longest, long), long)).toEqual(longest);
});

it('stands in a header, a subprotocol and a URL as it is', async () => {
  expect(await formatKey({ ...key, secret: `${'-_'.repeat(16)}` }, env)).toMatch(/^[A-Za-z0-9._-]+$/);
});

it('outlives its secret being first, but not its secret', async () => {
  const rotated = { KEY_SECRETS: `k2:fedcba9876543210fedcba9876543210,${env.KEY_SECRETS}` };
  const text = await formatKey(key, env);
  expect(await readKey(text, rotated)).toEqual(key);
  expect(await formatKey(key, rotated)).toContain('ca.k2.');
  expect(await readKey(await formatKey(key, rotated), env)).toBeUndefined();
});

it('whatever one character is changed to, it is none', async () => {
  const text = await formatKey(key, env);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(text.length - 1),
      fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-% \n'),
      async (at, character) => {
        fc.pre(text[at] !== character);
        expect(await readKey(text.slice(0, at) + character + text.slice(at + 1), env)).toBeUndefined();
      },
    ),
  );
});

it('whatever anyone makes up, it is none', async () => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom('ca', 'k1', 'api', 'adapter', 'acme', 'k7x2', 'a'.repeat(43)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 9 }), async (parts) => {
      expect(await readKey(parts.join('.'), env)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

it('is none where the deployment has no secrets', async () => {
  expect(await readKey(await formatKey(key, env), {})).toBeUndefined();
  await expect(formatKey(key, {})).rejects.toThrow('KEY_SECRETS');
});

it('is not made of parts that could not be read again', async () => {
  for (const part of [
    { tenant: 'a.b' },
    { id: '' },
    { secret: 'a.bcdefghijklmnopqrstuvwxyz' },
    { secret: 'short' },
  ]) {
    await expect(formatKey({ ...key, ...part }, env)).rejects.toThrow();
  }
});

it.each([
  ['a short secret', 'k1:short'],
  ['no kid', '0123456789abcdef0123456789abcdef'],
  ['a kid twice', `${env.KEY_SECRETS},${env.KEY_SECRETS}`],
  ['a kid with a dot', 'k.1:0123456789abcdef0123456789abcdef'],
])('a deployment is told of %s, and the secret is not', async (_, KEY_SECRETS) => {
  const refusal = await readKey('ca.k1.api.acme.id.secret.mac', { KEY_SECRETS }).catch(String);
  expect(refusal).toContain('KEY_SECRETS');
  expect(refusal).not.toContain('0123456789');
});

it('a secret is kept as SHA-256 in hex', async () => {
  expect(await hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
