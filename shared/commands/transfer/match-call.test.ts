import { describe, expect, it } from 'vitest';
import { listedDialog } from '../testing/inputs.ts';
import { findTransferredCall, stripOsid, type TransferredDialog } from './match-call.ts';

const transferred: TransferredDialog = {
  callid: 'old',
  dialogId: '343.0f5dc7c4',
  contact: 'sip:alice@10.0.0.5:5070',
  destination: 'sip:bob@10.0.0.11',
  matchParam: 'osid',
  endedAt: 1_795_428_800_000,
};
const osid = ';osid=343.0f5dc7c4';
const withoutOsid = {
  caller_contact: 'sip:alice@10.0.0.5:5070',
  to_uri: 'sip:bob@10.0.0.11',
  timestart: 1_795_428_801,
};

describe('the new call of a transfer is found', () => {
  it.each([
    ['by `osid` in To', { to_uri: `sip:bob@10.0.0.11${osid}` }],
    [
      'by `osid` in From, if the phone uses the URI that it was called with',
      { from_uri: `sip:bob@10.0.0.11${osid}` },
    ],
    ['by `osid` among other parameters', { to_uri: `sip:bob@10.0.0.11;user=phone${osid};transport=udp` }],
    ['by contact, callee and time', withoutOsid],
    [
      'by contact and callee while it rings and has no start time',
      { ...withoutOsid, state: 2, timestart: 0 },
    ],
    [
      'by contact although From has the `osid` of an earlier transfer',
      { ...withoutOsid, from_uri: 'sip:alice@10.0.0.10;osid=1.2' },
    ],
    ['by contact if the clocks differ by a second', { ...withoutOsid, timestart: 1_795_428_799 }],
  ])('%s', (_, overrides) => {
    const call = listedDialog('new', overrides);
    expect(findTransferredCall([listedDialog('other'), call], transferred)).toBe(call);
  });

  it('by `osid` rather than by contact', () => {
    const byOsid = listedDialog('by-osid', { to_uri: `sip:bob@10.0.0.11${osid}` });
    expect(findTransferredCall([listedDialog('by-contact', withoutOsid), byOsid], transferred)).toBe(byOsid);
  });
});

describe('no other call is mistaken for it', () => {
  it.each([
    ['the old dialog itself', 'old', { to_uri: `sip:bob@10.0.0.11${osid}` }],
    ['a dialog that is listed but has ended', 'new', { to_uri: `sip:bob@10.0.0.11${osid}`, state: 5 }],
    ['a dialog whose `osid` only starts the same', 'new', { to_uri: `sip:bob@10.0.0.11${osid}5` }],
    ['a call of the same phone to another callee', 'new', { ...withoutOsid, to_uri: 'sip:carol@10.0.0.12' }],
    [
      'a call of another phone to the same callee',
      'new',
      { ...withoutOsid, caller_contact: 'sip:dave@10.0.0.9:5070' },
    ],
    [
      'another call of the same parties, with its own `osid`',
      'new',
      { ...withoutOsid, to_uri: 'sip:bob@10.0.0.11;osid=1.2' },
    ],
    ['an earlier call of the same parties', 'new', { ...withoutOsid, timestart: 1_795_428_700 }],
    ['a dialog without a contact', 'new', { ...withoutOsid, caller_contact: null }],
  ])('%s', (_, callid, overrides) => {
    expect(findTransferredCall([listedDialog(callid, overrides)], transferred)).toBeUndefined();
  });

  it('nothing is found if neither id nor contact is known', () => {
    const call = listedDialog('new', { ...withoutOsid, to_uri: `sip:bob@10.0.0.11${osid}` });
    const unidentified = { callid: 'old', destination: 'sip:bob@10.0.0.11', matchParam: 'osid' };
    expect(findTransferredCall([call], unidentified)).toBeUndefined();
  });
});

describe('`osid`, which OpenSIPS adds', () => {
  it.each([
    ['sip:bob@10.0.0.11;osid=343.0f5dc7c4', 'sip:bob@10.0.0.11'],
    ['sip:bob@10.0.0.11;user=phone;osid=1.2;transport=udp', 'sip:bob@10.0.0.11;user=phone;transport=udp'],
    ['sip:bob@10.0.0.11', 'sip:bob@10.0.0.11'],
  ])('is removed from %s', (uri, without) => {
    expect(stripOsid(uri)).toBe(without);
  });
});
