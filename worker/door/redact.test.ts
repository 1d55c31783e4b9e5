/** Nothing that opens a door stays in a log line. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatKey } from './api-keys.ts';
import { redacted } from './redact.ts';
import { mintToken } from './tokens.ts';

const env = { KEY_SECRETS: 'k1:0123456789abcdef0123456789abcdef' };
const key = await formatKey({ role: 'api', tenant: 'acme', id: 'k1', secret: 'S-_'.repeat(12) }, env);
const claims = { tenant: 'acme', site: 'north', subject: 'sub:alice', scopes: [], key: 'k1' };
const token = await mintToken({ ...claims, expires: Date.now() + 60_000 }, env);

it.each([
  ['a key', key],
  ['a token', token],
])('%s goes, wherever it stands, and the rest stays', (_, secret) => {
  for (const [before, after] of [
    ['', ''],
    ['Authorization: Bearer ', '; and so on'],
    ['https://calls.example.com/call-api?access_token=', '&site=north'],
    ['https://calls.example.com/call-api?site=north&access_token=', ' 500'],
    ['call-api.v1, call-api.token.', ', other'],
    ['{"key":"', '"}'],
  ] as const) {
    const left = redacted(`${before}${secret}${after}`);
    expect(left).toBe(`${before}…${after}`);
  }
});

it.each([
  ['Bearer hunter2', 'hunter2'],
  ['GET /call-api?access_token=hunter2', 'hunter2'],
  ['bearer   hunter2', 'hunter2'],
  ['call-api.token.hunter2', 'hunter2'],
])('what is announced as a credential goes, whatever it is: %s', (text, secret) => {
  expect(redacted(text)).not.toContain(secret);
});

it('what holds none stays as it is', () => {
  const line = 'GET /call-api failed: TypeError: x is not a function\n    at connect (worker.js:12:3)';
  expect(redacted(line)).toBe(line);
});

it('whatever stands around it, none of what makes a key or a token hold is left', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(key, token),
      fc.string(),
      (before, secret, after) => {
        expect(redacted(`${before}${secret}${after}`)).not.toContain(secret.split('.').at(-1));
      },
    ),
    { numRuns: 1_000 },
  );
});
