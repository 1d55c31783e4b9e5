import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Matching, referDestination, referToHeader } from './refer-to.ts';

const BY_ID: Matching = { mode: 'param', param: 'osid' };
const DIALOG = { ID: '03e.cee8fdf3', callid: 'bab7047d@10.0.0.1' };
const REPLACED = { callid: 'abc@10.0.0.9', fromTag: 'f1', toTag: 't1' };

describe('the destination of a transfer', () => {
  it.each([
    ['sip:bob@example.com', 'sip:bob@example.com'],
    ['sip:bob@example.com;osid=1.2', 'sip:bob@example.com'],
    ['sip:bob@example.com;OSID=1.2;transport=tcp', 'sip:bob@example.com;transport=tcp'],
    ['sip:bob@example.com;transport=tcp;osid', 'sip:bob@example.com;transport=tcp'],
    ['sip:bob@example.com;osid=1.2;osid=3.4', 'sip:bob@example.com'],
    ['sip:bob@example.com;osid2=x', 'sip:bob@example.com;osid2=x'],
    ['sips:b%20b@[2001:db8::1]:5061', 'sips:b%20b@[2001:db8::1]:5061'],
    ['tel:+49301234;phone-context=x', 'tel:+49301234;phone-context=x'],
  ])('of %s is %s', (address, destination) => {
    expect(referDestination(address, BY_ID)).toBe(destination);
  });

  it.each([
    '',
    'bob',
    'http://example.com',
    'sip:',
    'sip:a b@example.com',
    'sip:bob@example.com\r\nX-Evil: 1',
    'sip:bob@example.com\nX-Evil: 1',
    'sip:bob@example.com>',
    'sip:<bob@example.com',
    'sip:"bob"@example.com',
    'sip:bob\\@example.com',
    'sip:bob@example.com?Replaces=other',
    'sip:böb@example.com',
  ])('%j cannot be written into a header', (address) => {
    expect(referDestination(address, BY_ID)).toBeUndefined();
    expect(referToHeader(address, DIALOG, BY_ID)).toBeUndefined();
  });

  it('loses the parameter of the setting, whatever characters its name has', () => {
    expect(referDestination('sip:b@h;os-id=1;osid=2', { mode: 'param', param: 'os-id' })).toBe(
      'sip:b@h;osid=2',
    );
  });
});

describe('Refer-To', () => {
  it.each<[string, Matching, string]>([
    ['the id of the dialog', BY_ID, 'Refer-To: <sip:bob@h;osid=03e.cee8fdf3>\r\n'],
    ['its Call-ID', { mode: 'callid', param: 'from' }, 'Refer-To: <sip:bob@h;from=bab7047d@10.0.0.1>\r\n'],
    ['nothing', { mode: 'manual', param: 'osid' }, 'Refer-To: <sip:bob@h>\r\n'],
  ])('has %s', (_, matching, header) => {
    expect(referToHeader('sip:bob@h', DIALOG, matching)).toBe(header);
  });

  it('has the replaced call as callops writes it', () => {
    expect(referToHeader('sip:dave@h;x=y', DIALOG, BY_ID, REPLACED)).toBe(
      'Refer-To: <sip:dave@h;x=y;osid=03e.cee8fdf3?Replaces=abc%4010.0.0.9%3Bto-tag%3Dt1%3Bfrom-tag%3Df1>\r\n',
    );
  });

  it.each(['a\r\nX: y', 'a b', 'é', ''])('is not written with the Call-ID or tag %j', (text) => {
    for (const part of ['callid', 'fromTag', 'toTag'])
      expect(referToHeader('sip:d@h', DIALOG, BY_ID, { ...REPLACED, [part]: text })).toBeUndefined();
    const byCallid: Matching = { mode: 'callid', param: 'osid' };
    expect(referToHeader('sip:d@h', { ...DIALOG, callid: text }, byCallid)).toBeUndefined();
  });

  it('is one header line with one address, and gives the phone the replaced call, for any text', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('\r\n', '>', ';', '?'));
    const address = fc.oneof(
      text,
      text.map((rest) => `sip:${rest}`),
      fc.constant('sip:a@h'),
    );
    fc.assert(
      fc.property(
        fc.record({ address, callid: text, fromTag: text, toTag: text, id: text }),
        fc.constantFrom('param', 'callid', 'manual'),
        ({ address, callid, fromTag, toTag, id }, mode) => {
          const matching: Matching = { mode, param: 'osid' };
          const destination = referDestination(address, matching);
          if (destination === undefined) return;
          const replaced = { callid, fromTag, toTag };
          const header = referToHeader(destination, { ID: id, callid }, matching, replaced);
          if (header === undefined) return;
          const [, uri = '', query = ''] =
            /^Refer-To: <([^<>\s?]+)\?Replaces=([^<>\s?&;=]+)>\r\n$/.exec(header) ?? [];
          expect(uri.startsWith(destination)).toBe(true);
          expect(decodeURIComponent(query)).toBe(`${callid};to-tag=${toTag};from-tag=${fromTag}`);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
