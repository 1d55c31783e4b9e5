import { describe, expect, it } from 'vitest';
import { findCall, type Lost, withoutOsid } from './find-call.ts';
import { shown } from './testing/inputs.ts';

const lost: Lost = {
  callid: 'old',
  dialogId: '343.0f5dc7c4',
  contact: 'sip:alice@10.0.0.5:5070',
  destination: 'sip:bob@10.0.0.11',
  endedAt: 1_795_428_800_000,
};
const osid = ';osid=343.0f5dc7c4';
const bare = {
  caller_contact: 'sip:alice@10.0.0.5:5070',
  to_uri: 'sip:bob@10.0.0.11',
  timestart: 1_795_428_801,
};

describe('the call that a transfer made is found', () => {
  it.each([
    ['by `osid` in To', { to_uri: `sip:bob@10.0.0.11${osid}` }],
    [
      'by `osid` in From, where a phone calls itself by the URI it was called under',
      { from_uri: `sip:bob@10.0.0.11${osid}` },
    ],
    ['by `osid` among other parameters', { to_uri: `sip:bob@10.0.0.11;user=phone${osid};transport=udp` }],
    ['by contact, callee and time', bare],
    ['by contact and callee while it rings and has no time yet', { ...bare, state: 2, timestart: 0 }],
    [
      'by contact though From has the `osid` of an earlier transfer',
      { ...bare, from_uri: 'sip:alice@10.0.0.10;osid=1.2' },
    ],
    ['by contact where the clocks differ by a second', { ...bare, timestart: 1_795_428_799 }],
  ])('%s', (_, differs) => {
    const call = shown('new', differs);
    expect(findCall([shown('other'), call], lost)).toBe(call);
  });

  it('`osid` is better evidence than a contact', () => {
    const byOsid = shown('by-osid', { to_uri: `sip:bob@10.0.0.11${osid}` });
    expect(findCall([shown('by-contact', bare), byOsid], lost)).toBe(byOsid);
  });
});

describe('no other call is taken for it', () => {
  it.each([
    ['the old dialog itself', 'old', { to_uri: `sip:bob@10.0.0.11${osid}` }],
    ['one that has ended, though it is listed', 'new', { to_uri: `sip:bob@10.0.0.11${osid}`, state: 5 }],
    ['one whose `osid` only begins alike', 'new', { to_uri: `sip:bob@10.0.0.11${osid}5` }],
    ['the same phone’s call to somebody else', 'new', { ...bare, to_uri: 'sip:carol@10.0.0.12' }],
    ['somebody else’s call to the same callee', 'new', { ...bare, caller_contact: 'sip:dave@10.0.0.9:5070' }],
    [
      'another call of the same two, by its own `osid`',
      'new',
      { ...bare, to_uri: 'sip:bob@10.0.0.11;osid=1.2' },
    ],
    ['an earlier call of the same two', 'new', { ...bare, timestart: 1_795_428_700 }],
    ['one without a contact', 'new', { ...bare, caller_contact: null }],
  ])('%s', (_, callid, differs) => {
    expect(findCall([shown(callid, differs)], lost)).toBeUndefined();
  });

  it('where neither id nor contact is known, nothing is guessed', () => {
    const call = shown('new', { ...bare, to_uri: `sip:bob@10.0.0.11${osid}` });
    expect(findCall([call], { callid: 'old', destination: 'sip:bob@10.0.0.11' })).toBeUndefined();
  });
});

describe('`osid` is OpenSIPS’s own', () => {
  it.each([
    ['sip:bob@10.0.0.11;osid=343.0f5dc7c4', 'sip:bob@10.0.0.11'],
    ['sip:bob@10.0.0.11;user=phone;osid=1.2;transport=udp', 'sip:bob@10.0.0.11;user=phone;transport=udp'],
    ['sip:bob@10.0.0.11', 'sip:bob@10.0.0.11'],
  ])('so it is taken out of %s', (uri, without) => {
    expect(withoutOsid(uri)).toBe(without);
  });
});
