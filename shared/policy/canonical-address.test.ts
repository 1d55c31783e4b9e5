import { expect, it } from 'vitest';
import { canonicalAddress } from './canonical-address.ts';

it.each([
  ['sip:%2B49-30-1@gw.example', 'sip:+49301@GW.example.'],
  ['sip:+49(30)%201@gw.example:5061;user=phone', 'sips:+49301@gw.example'],
  ['sip:b%6fb:secret@x', 'sip:bob@x'],
  ['sip:bob@[2001:DB8::1]', 'sip:bob@[2001:db8:0:0:0:0:0:1]'],
  ['sip:10.0.0.1', 'sip:10.0.0.1;lr'],
])('%s is %s', (one, other) => {
  expect(canonicalAddress(one)).toBeDefined();
  expect(canonicalAddress(one)).toBe(canonicalAddress(other));
});

it.each([
  ['sip:Bob@x', 'sip:bob@x'],
  ['sip:a-b@x', 'sip:ab@x'],
  ['sip:bob2@x', 'sip:2@x'],
  ['sip:bob@10.0.0.1', 'sip:bob@[::ffff:10.0.0.1]'],
  ['sip:+49301w@x', 'sip:+49301@x'],
])('%s is not %s', (one, other) => {
  expect(canonicalAddress(one)).not.toBe(canonicalAddress(other));
});

it('a text that is no SIP URI has no address', () => {
  expect(canonicalAddress('tel:+49301')).toBeUndefined();
});
