/** Log lines contain no credentials. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatApiKey } from '../auth/api-keys.ts';
import { formatKey } from '../auth/key-text.ts';
import { issueToken } from '../auth/tokens.ts';
import { redact } from './redact.ts';

const env = { KEY_SECRETS: 'k1:0123456789abcdef0123456789abcdef' };
const key = await formatApiKey({ role: 'api', tenant: 'acme', id: 'k1', secret: 'S-_'.repeat(12) }, env);
const claims = { tenant: 'acme', site: 'north', subject: 'sub:alice', scopes: [], key: 'k1' };
const token = await issueToken({ ...claims, expires: Date.now() + 60_000 }, env);

const adminKey = await formatKey({ role: 'admin', owner: 'alice', id: 'k1', secret: 'S-_'.repeat(12) }, env);

it.each([
  ['a key', key],
  ['the key of an administrator', adminKey],
  ['a token', token],
])('removes %s anywhere in a text, and nothing else', (_, secret) => {
  for (const [before, after] of [
    ['', ''],
    ['Authorization: Bearer ', '; and so on'],
    ['https://calls.example.com/call-api?access_token=', '&site=north'],
    ['https://calls.example.com/call-api?site=north&access_token=', ' 500'],
    ['call-api.v1, call-api.token.', ', other'],
    ['{"key":"', '"}'],
  ] as const) {
    const redacted = redact(`${before}${secret}${after}`);
    expect(redacted).toBe(`${before}…${after}`);
  }
});

it.each([
  ['Bearer hunter2', 'hunter2'],
  ['GET /call-api?access_token=hunter2', 'hunter2'],
  ['bearer   hunter2', 'hunter2'],
  ['call-api.token.hunter2', 'hunter2'],
])('removes whatever is announced as a credential: %s', (text, secret) => {
  expect(redact(text)).not.toContain(secret);
});

it('keeps a text without credentials', () => {
  const line = 'GET /call-api failed: TypeError: x is not a function\n    at connect (worker.js:12:3)';
  expect(redact(line)).toBe(line);
});

it('removes the signatures of keys and tokens from any text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(key, token),
      fc.string(),
      (before, secret, after) => {
        expect(redact(`${before}${secret}${after}`)).not.toContain(secret.split('.').at(-1));
      },
    ),
    { numRuns: 1_000 },
  );
});
