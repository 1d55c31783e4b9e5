import { expect, it } from 'vitest';
import { newCall } from '../../../shared/calls/call.ts';
import { addressOf } from '../../../shared/calls/call-filter.ts';
import { type Candidate, pageOf } from './listing.ts';

it.each([
  ['+4930123@gw', 'sip:%2B49-30-123@GW:5060', true],
  ['sip:+49-30-123@gw.', 'sip:+4930123@gw', true],
  ['bob@gw', 'sip:bob:secret@gw', true],
  ['bob@[2001:db8::1]', 'sip:bob@[2001:DB8:0::1]', true],
  ['gw', 'sip:gw', true],
  ['bob@gw', 'sip:bobby@gw', false],
  ['bob@gw', 'sip:notbob@gw', false],
  ['bob@gw', 'sip:bob@gw.other', false],
])('the address %s: %s', (address, callee, isListed) => {
  const call = { ...newCall('c', 0), caller: 'sip:alice@gw', callee };
  const candidates: Candidate[] = [{ firstSeq: 1, peek: () => ({ call, owner: undefined }) }];
  expect(pageOf(candidates, { address: addressOf(address) }, 10, () => 0).calls).toHaveLength(
    isListed ? 1 : 0,
  );
});
