import { expect, it } from 'vitest';
import { addressOf } from '../../../shared/calls/call-filter.ts';
import type { CallRecord } from './call-record.ts';
import { pageOf } from './listing.ts';

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
  const call = { callid: 'c', caller: 'sip:alice@gw', callee, state: 'active', began: 0 };
  const records = [{ call, owner: undefined, firstSeq: 1 } as unknown as CallRecord];
  expect(pageOf(records, { address: addressOf(address) }, 10).calls).toHaveLength(isListed ? 1 : 0);
});
