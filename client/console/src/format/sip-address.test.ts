/** Tests the conversion of SIP addresses. */
import { expect, it } from 'vitest';
import { addressError, displayName, shortAddress, toSipUri } from './sip-address.ts';

it.each([
  ['sip:alice@example.com:5060;transport=tcp', 'alice@example.com', 'alice'],
  ['sips:bob@[2001:db8::1]', 'bob@[2001:db8::1]', 'bob'],
  ['sip:example.com', 'example.com', 'example.com'],
  [null, 'Unknown', 'Unknown'],
])('shows %s as %s', (uri, address, name) => {
  expect([shortAddress(uri), displayName(uri)]).toEqual([address, name]);
});

it.each([
  ['alice@example.com', 'sip:alice@example.com', ''],
  [' sips:alice@example.com ', 'sips:alice@example.com', ''],
  ['alice', 'sip:alice', '"alice" is not a SIP address. Enter user@host, such as bob@example.com.'],
  ['a b@c', 'sip:a b@c', '"a b@c" is not a SIP address. Enter user@host, such as bob@example.com.'],
  ['', '', 'Enter a SIP address, such as bob@example.com.'],
])('reads the input "%s" as "%s", and says what is wrong with it', (typed, uri, error) => {
  expect([toSipUri(typed), addressError(typed)]).toEqual([uri, error]);
});
