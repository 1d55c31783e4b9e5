/** Only API keys that this deployment has issued are accepted. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ApiKey, formatApiKey, parseApiKey } from './api-keys.ts';
import { hashSecret } from './key-text.ts';

const env = { KEY_SECRETS: 'k1:0123456789abcdef0123456789abcdef' };
const key: ApiKey = { role: 'api', tenant: 'acme', id: 'k7x2', secret: 'abcdefghijklmnopqrstuvwxyz012345' };

it('parses what it formats', async () => {
  for (const role of ['api', 'adapter'] as const) {
    const text = await formatApiKey({ ...key, role }, env);
    expect(await parseApiKey(text, env)).toEqual({ ...key, role });
  }
});

it('parses the longest key', async () => {
  const longKid = { KEY_SECRETS: `${'k'.repeat(16)}:${'s'.repeat(32)}` };
  const longest: ApiKey = {
    role: 'adapter',
    tenant: 't'.repeat(32),
    id: 'i'.repeat(32),
    secret: '_'.repeat(128),
  };
  expect(await parseApiKey(await formatApiKey(longest, longKid), longKid)).toEqual(longest);
});

it('needs no escaping in a header, a subprotocol and a URL', async () => {
  expect(await formatApiKey({ ...key, secret: `${'-_'.repeat(16)}` }, env)).toMatch(/^[A-Za-z0-9._-]+$/);
});

it('stays valid when its signing secret is no longer the newest, but not when it is removed', async () => {
  const rotated = { KEY_SECRETS: `k2:fedcba9876543210fedcba9876543210,${env.KEY_SECRETS}` };
  const text = await formatApiKey(key, env);
  expect(await parseApiKey(text, rotated)).toEqual(key);
  expect(await formatApiKey(key, rotated)).toContain('ca.k2.');
  expect(await parseApiKey(await formatApiKey(key, rotated), env)).toBeUndefined();
});

it('rejects a key with any changed character', async () => {
  const text = await formatApiKey(key, env);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(text.length - 1),
      fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-% \n'),
      async (index, character) => {
        fc.pre(text[index] !== character);
        expect(
          await parseApiKey(text.slice(0, index) + character + text.slice(index + 1), env),
        ).toBeUndefined();
      },
    ),
  );
});

it('rejects any forged key', async () => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom('ca', 'k1', 'api', 'adapter', 'acme', 'k7x2', 'a'.repeat(43)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 9 }), async (parts) => {
      expect(await parseApiKey(parts.join('.'), env)).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

it('rejects all keys without KEY_SECRETS', async () => {
  expect(await parseApiKey(await formatApiKey(key, env), {})).toBeUndefined();
  await expect(formatApiKey(key, {})).rejects.toThrow('KEY_SECRETS');
});

it('formats no key from malformed parts', async () => {
  for (const part of [
    { tenant: 'a.b' },
    { id: '' },
    { secret: 'a.bcdefghijklmnopqrstuvwxyz' },
    { secret: 'short' },
  ]) {
    await expect(formatApiKey({ ...key, ...part }, env)).rejects.toThrow();
  }
});

it.each([
  ['a short secret', 'k1:short'],
  ['no kid', '0123456789abcdef0123456789abcdef'],
  ['a kid twice', `${env.KEY_SECRETS},${env.KEY_SECRETS}`],
  ['a kid with a dot', 'k.1:0123456789abcdef0123456789abcdef'],
])('reports %s in KEY_SECRETS without revealing it', async (_, KEY_SECRETS) => {
  const error = await parseApiKey('ca.k1.api.acme.id.secret.mac', { KEY_SECRETS }).catch(String);
  expect(error).toContain('KEY_SECRETS');
  expect(error).not.toContain('0123456789');
});

it('hashes a secret with SHA-256 in hex', async () => {
  expect(await hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
