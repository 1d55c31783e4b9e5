import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areSipUrisEqual, isSipUri, MAX_URI_LENGTH, parseSipUri } from './sip-uri.ts';

describe('the examples of RFC 3261 §19.1.3', () => {
  it.each([
    'sip:alice@atlanta.com',
    'sip:alice:secretword@atlanta.com;transport=tcp',
    'sips:1212@gateway.com',
    'sip:alice@192.0.2.4',
    'sip:alice;day=tuesday@atlanta.com',
    'sip:+1-212-555-1212:1234@gateway.com;user=phone',
    'sip:atlanta.com',
  ])('%s can be dialed', (uri) => {
    expect(isSipUri(uri)).toBe(true);
  });

  it.each([
    'sips:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com',
  ])('%s has headers or a method, so it cannot be dialed', (uri) => {
    expect(isSipUri(uri)).toBe(false);
  });

  it('a URI is parsed into its parts, and nothing is unescaped', () => {
    expect(parseSipUri('SIPS:Al%69ce:pw@Atlanta.COM:5061;Transport=TCP;lr')).toEqual({
      scheme: 'sips',
      user: 'Al%69ce',
      password: 'pw',
      host: 'atlanta.com',
      port: 5061,
      params: new Map([
        ['transport', 'TCP'],
        ['lr', ''],
      ]),
    });
  });
});

describe('torture tests, as in RFC 4475', () => {
  it.each([
    ['escapes in user and parameters (§3.1.1.3)', 'sip:sips%3Auser%40example.com@example.net'],
    ['a user part that looks like parameters (§3.1.1.9)', 'sip:user;par=u%40example.net@example.com'],
    ['every unreserved character', "sip:a-_.!~*'()&=+$,;?/b@example.com"],
    ['an empty password', 'sip:alice:@example.com'],
    ['a host that ends in a dot', 'sip:alice@example.com.'],
    ['a host with hyphens and digits', 'sip:alice@3com-1.x9'],
    ['a host with underscores, as containers have', 'sip:alice@open_sips:5060'],
    ['a domain with underscores', 'sip:alice@_sip._udp.exa_mple.com'],
    ['IPv6', 'sip:alice@[2001:db8::10]:5070'],
    ['IPv6 with an IPv4 tail', 'sip:alice@[::ffff:192.0.2.10]'],
    ['IPv6 in full', 'sip:[1:2:3:4:5:6:7:8]'],
    ['the unspecified address', 'sip:alice@[::]'],
    ['a parameter of any name', 'sip:alice@example.com;unknownparam;x=%20y'],
    ['escaped octets over 127', 'sip:%C3%A9@example.com'],
    ['the highest port', 'sip:alice@example.com:65535'],
  ])('%s: %s', (_, uri) => {
    expect(parseSipUri(uri)).not.toHaveProperty('error');
  });

  it.each([
    ['nothing', ''],
    ['no scheme', 'alice@example.com'],
    ['another scheme', 'tel:+12125551212'],
    ['an unknown scheme (§3.3.3)', 'nobodyKnowsThisScheme:totallyopaquecontent'],
    ['angle brackets (§3.1.2.5)', '<sip:alice@example.com>'],
    ['a display name', '"Alice" <sip:alice@example.com>'],
    ['a leading space', ' sip:alice@example.com'],
    ['a trailing newline', 'sip:alice@example.com\n'],
    ['a space within (§3.1.2.7)', 'sip:alice@example.com; lr'],
    ['no host', 'sip:alice@'],
    ['an empty user', 'sip:@example.com'],
    ['two at signs', 'sip:alice@bob@example.com'],
    ['an incomplete escape', 'sip:al%6@example.com'],
    ['an escape that is not hexadecimal', 'sip:al%zzice@example.com'],
    ['an escaped NUL (valid in §3.1.1.4, rejected here)', 'sip:null-%00-null@example.com'],
    ['an escaped line end', 'sip:a%0d%0aX-Evil:1@example.com'],
    ['an escaped DEL', 'sip:a%7F@example.com'],
    ['an escaped line end in a parameter', 'sip:alice@example.com;x=%0A'],
    ['letters that are not ASCII', 'sip:aliçe@example.com'],
    ['a host label that begins with a hyphen', 'sip:alice@-example.com'],
    ['two dots', 'sip:alice@example..com'],
    ['an IPv4 address out of range', 'sip:alice@256.0.0.1'],
    ['an IPv4 address that is too short', 'sip:alice@10.0.1'],
    ['an IPv4 address with leading zeros', 'sip:alice@010.0.0.01'],
    ['IPv6 without brackets', 'sip:alice@2001:db8::10'],
    ['IPv6 with :: twice', 'sip:alice@[1::2::3]'],
    ['IPv6 that is too short', 'sip:alice@[1:2:3]'],
    ['IPv6 that is too long', 'sip:alice@[1:2:3:4:5:6:7:8:9]'],
    ['IPv6 with three colons', 'sip:alice@[:::]'],
    ['IPv6 with half a colon pair', 'sip:alice@[:1:2:3:4:5:6:7:8]'],
    ['IPv6 with a zone', 'sip:alice@[fe80::1%25eth0]'],
    ['port 0', 'sip:alice@example.com:0'],
    ['a port out of range', 'sip:alice@example.com:65536'],
    ['an empty port', 'sip:alice@example.com:'],
    ['an empty parameter', 'sip:alice@example.com;'],
    ['a parameter without its value', 'sip:alice@example.com;transport='],
    ['a parameter without its name', 'sip:alice@example.com;=udp'],
    ['a parameter twice (§19.1.1)', 'sip:alice@example.com;transport=udp;Transport=tcp'],
    ['headers', 'sip:alice@example.com?Replaces=1'],
    ['the parameter method', 'sip:alice@example.com;method=BYE'],
    ['the parameter maddr', 'sip:alice@example.com;MADDR=10.0.0.66'],
  ])('%s: %s', (_, uri) => {
    expect(parseSipUri(uri)).toHaveProperty('error');
  });

  it(`a URI has at most ${MAX_URI_LENGTH} characters`, () => {
    const longest = `sip:${'a'.repeat(MAX_URI_LENGTH - 'sip:@b.c'.length)}@b.c`;
    expect(isSipUri(longest)).toBe(true);
    expect(parseSipUri(`${longest}d`)).toEqual({
      error: 'has more than 512 characters. Use a shorter SIP URI.',
    });
  });

  it.each([
    `sip:${'a'.repeat(500)}!`,
    `sip:${'a.'.repeat(250)}!`,
    `sip:a@${'a-'.repeat(250)}`,
    `sip:${'%41'.repeat(160)}@`,
    `sip:a@b${';a=b'.repeat(120)};`,
    `sip:a@b${';a'.repeat(250)}=`,
    `sip:a@[${':'.repeat(500)}]`,
    `sip:${':'.repeat(500)}@b`,
    `sip:${'a:'.repeat(250)}`,
    'sip:'.repeat(128),
    `sip:${'1.'.repeat(253)}`,
  ])('a text that is made to cause backtracking is rejected quickly: %s', (text) => {
    const startedAt = performance.now();
    for (let time = 0; time < 100; time++) expect(isSipUri(text)).toBe(false);
    // 100 calls take a few milliseconds. A grammar that backtracks takes seconds or years for one.
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('comparison by RFC 3261 §19.1.4', () => {
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    ['sip:alice@atlanta.com;transport=tcp;lr', 'sip:alice@atlanta.com;lr;transport=tcp'],
    ['sip:a%2db@10.0.0.1', 'sip:a-b@10.0.0.1'],
    ['sip:a%c3%a9@10.0.0.1', 'sip:a%C3%A9@10.0.0.1'],
  ])('%s equals %s', (first, second) => {
    expect(areSipUrisEqual(first, second)).toBe(true);
    expect(areSipUrisEqual(second, first)).toBe(true);
  });

  it.each([
    ['a user’s case counts', 'SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['a port counts', 'sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['a transport counts', 'sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['port and transport count', 'sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['a name is not its address', 'sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['a shared parameter counts', 'sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip is not sips', 'sip:alice@atlanta.com', 'sips:alice@atlanta.com'],
    ['a password counts', 'sip:alice@atlanta.com', 'sip:alice:pw@atlanta.com'],
    ['a user counts', 'sip:atlanta.com', 'sip:alice@atlanta.com'],
    ['the parameter user counts', 'sip:1@atlanta.com', 'sip:1@atlanta.com;user=phone'],
    ['the parameter ttl counts', 'sip:1@atlanta.com', 'sip:1@atlanta.com;ttl=1'],
    [
      'an escaped reserved character differs from the character',
      'sip:a%3Bb@atlanta.com',
      'sip:a;b@atlanta.com',
    ],
    ['a text that is not a URI equals nothing', 'alice', 'alice'],
  ])('%s', (_, first, second) => {
    expect(areSipUrisEqual(first, second)).toBe(false);
    expect(areSipUrisEqual(second, first)).toBe(false);
  });
});

describe('for any text', () => {
  /** Texts are built from pieces of URIs, so that many are valid and most are nearly valid. */
  const piece = fc.constantFrom(
    ...['sip:', 'sips:', 'alice', '@', ':', ';', '=', '5060', 'example.com', '10.0.0.1', '[::1]', '.', '-'],
    ...[
      '%41',
      '%0D%0A',
      '%',
      'lr',
      'transport=udp',
      'maddr=a',
      '?',
      '&',
      '+1',
      '\r\n',
      '\0',
      ' ',
      '<',
      '>',
      '"',
      "'",
    ],
  );
  const nearUris = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  const uriSuffixes = fc
    .array(piece, { maxLength: 4 })
    .map((pieces) => `sip:alice@example.com${pieces.join('')}`);
  const text = fc.oneof(fc.string({ unit: 'binary' }), nearUris, uriSuffixes);

  it('parsing never throws, and an accepted URI is safe in a SIP header', () => {
    let accepted = 0;
    fc.assert(
      fc.property(text, (candidate) => {
        const uri = parseSipUri(candidate);
        if ('error' in uri) return;
        accepted++;
        expect(candidate).toMatch(/^sips?:[!-~]+$/i);
        expect(candidate).not.toMatch(/[<>"]/);
        const octets = candidate.match(/%../g)?.map((triplet) => Number.parseInt(triplet.slice(1), 16)) ?? [];
        expect(octets.filter((octet) => octet < 0x20 || octet === 0x7f)).toEqual([]);
      }),
      { numRuns: 5_000 },
    );
    expect(accepted, 'some of them must be accepted').toBeGreaterThan(100);
  });

  it('a valid URI equals itself, and comparison is symmetric', () => {
    fc.assert(
      fc.property(text, text, (first, second) => {
        expect(areSipUrisEqual(first, first)).toBe(isSipUri(first));
        expect(areSipUrisEqual(first, second)).toBe(areSipUrisEqual(second, first));
      }),
      { numRuns: 2_000 },
    );
  });
});
