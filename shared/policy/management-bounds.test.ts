/** Which hosts and origins are within the bounds of a tenant. */
import { expect, it } from 'vitest';
import { isHostWithin, isOriginWithin, ManagementBounds } from './management-bounds.ts';

it.each([
  [['*'], 'anything.example', true],
  [[], 'anything.example', false],
  [['hooks.example'], 'hooks.example', true],
  [['hooks.example'], 'HOOKS.example.', true],
  [['hooks.example'], 'a.hooks.example', false],
  [['*.example'], 'hooks.example', true],
  [['*.example'], 'a.b.example', true],
  [['*.acme.example'], 'acme.example', false],
  [['*.acme.example'], '.acme.example', false],
  [['*.acme.example'], 'evilacme.example', false],
  [['*.acme.example'], 'x.acme.example.evil.example', false],
])('with the hosts %j, %s is within: %s', (webhook_hosts, host, isWithin) => {
  expect(isHostWithin(ManagementBounds.parse({ webhook_hosts }), host)).toBe(isWithin);
});

it.each([
  [['*'], '*', true],
  [['*'], 'https://a.example', true],
  [[], 'https://a.example', false],
  [['https://a.example'], 'https://a.example', true],
  [['https://a.example'], 'https://a.example:8443', false],
  [['https://*.acme.example'], 'https://app.acme.example', true],
  [['https://*.acme.example'], 'http://app.acme.example', false],
  [['https://*.acme.example'], 'https://acme.example', false],
  [['https://*.acme.example'], 'https://.acme.example', false],
  [['https://*.acme.example'], 'https://app.acme.example:8443', false],
  [['https://*.acme.example'], '*', false],
])('with the origins %j, %s is within: %s', (origins, origin, isWithin) => {
  expect(isOriginWithin(ManagementBounds.parse({ origins }), origin)).toBe(isWithin);
});

it.each([
  { webhook_hosts: ['a b'] },
  { webhook_hosts: ['*x'] },
  { origins: ['https://a/b'] },
  { origins: ['*.x'] },
])('rejects %j', (bounds) => expect(ManagementBounds.safeParse(bounds).success).toBe(false));
