/** Tests the conversion of SIP addresses. */
import { expect, it } from 'vitest';
import { displayName, isDialable, shortAddress, toSipUri } from './sip-address.ts';

it.each([
  ['sip:alice@example.com:5060;transport=tcp', 'alice@example.com', 'alice'],
  ['sips:bob@[2001:db8::1]', 'bob@[2001:db8::1]', 'bob'],
  ['sip:example.com', 'example.com', 'example.com'],
  [null, 'unknown', 'unknown'],
])('shows %s as %s', (uri, address, name) => {
  expect([shortAddress(uri), displayName(uri)]).toEqual([address, name]);
});

it.each([
  ['alice@example.com', 'sip:alice@example.com', true],
  [' sips:alice@example.com ', 'sips:alice@example.com', true],
  ['alice', 'sip:alice', false],
  ['a b@c', 'sip:a b@c', false],
  ['', '', false],
])('reads the input "%s" as "%s"', (typed, uri, dialable) => {
  expect([toSipUri(typed), isDialable(typed)]).toEqual([uri, dialable]);
});
