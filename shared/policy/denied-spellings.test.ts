/** A denied number is denied in every spelling that a proxy or a gateway dials alike, and an allowed one in no other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDestinationAllowed } from './destinations.ts';
import { Pattern, type Rules } from './policy.ts';

const allow = (...patterns: string[]): Rules => ({ allow: patterns, deny: [] });
const deny = (...patterns: string[]): Rules => ({ allow: [], deny: patterns });

/** Percent-escapes what the grammar of a user part does not have. */
const escaped = (text: string) =>
  encodeURIComponent(text).replace(/%(2B|2C|3B|3D|2F|3F|26|24)/g, (triplet) => decodeURIComponent(triplet));

describe('a premium-rate number is denied', () => {
  it.each([
    ['pauses and tones', '+1-900-555-1234w'],
    ['a pause and a tone', '+1(900)5551234,1'],
    ['a letter at the end', '+1.900.555.1234A'],
    ['a letter between', '+1900p5551234'],
    ['a slash', '+1900/5551234'],
    ['an underscore, a tilde', '+1_900~5551234'],
    ['a no-break space', escaped('+1\u00a0900 5551234')],
    ['a zero-width space', escaped('+1\u200b9005551234')],
    ['Unicode hyphens', escaped('+1\u2010900\u20115551234')],
    ['full-width digits', escaped('＋１９００５５５１２３４')],
    ['superscript digits', escaped('⁺¹⁹⁰⁰5551234')],
    ['Arabic digits', escaped('+١٩٠٠٥٥٥١٢٣٤')],
    ['Devanagari digits', escaped('+१९००५५५१२३४')],
    ['mathematical digits', escaped('+𝟏𝟗𝟎𝟎𝟓𝟓𝟓𝟏𝟐𝟑𝟒')],
    ['circled digits', escaped('+①⑨005551234')],
    ['numerals that NFKC does not convert', escaped('+❶❾005551234')],
    ['another plus sign', escaped('➕19005551234')],
    ['two escapes', '%252B1900%2535551234'],
    ['three escapes', '%25252B19005551234'],
    ['more escapes than anybody unescapes', '%252525252B19005551234'],
    ['bytes that are not UTF-8', '+1%A09005551234'],
    ['an escaped control character', '%2B1%25009005551234'],
    ['a local number with its context', '5551234;phone-context=+1900'],
    ['the same in other letters', '555-1234;Phone-Context=%2B1-900'],
    ['the same, escaped', '5551234%3Bphone-context%3D%2B1900'],
    ['a parameter before the context', '9005551234;isub=1;phone-context=+1'],
    ['a routing number', '+15551234;npdi;rn=+19005551234'],
    ['an extension', '+19005551234;ext=7'],
    ['a number split by a parameter', '+1;900=5551234'],
    ['a scheme before it', 'tel%3A+19005551234'],
    ['a SIP URI in it', 'sip%3A+19005551234%40gw'],
    ['a service code before it', '*67+19005551234'],
    ['an escaped service code', '%2331%23+19005551234'],
    ['a digit for an outside line', '9,+19005551234'],
    ['two plus signs', '++19005551234'],
    ['another plus sign within', '+1+9005551234'],
    ['more numbers than can be compared', `${'1+'.repeat(20)}900`],
  ])('with %s: %s', (_, user) => {
    for (const uri of [`sip:${user}@gw.example`, `SIPS:${user}:x@GW.example.:5061;user=phone`]) {
      expect(isDestinationAllowed(uri, []), 'is a SIP URI').toBe(true);
      expect(isDestinationAllowed(uri, [deny('+1900*@*')])).toBe(false);
      expect(isDestinationAllowed(uri, [allow('*'), deny('+1900*@gw.example')])).toBe(false);
    }
  });

  it('with its context behind the host', () => {
    const uri = 'sip:5551234@gw.example;phone-context=%2B1900;user=phone';
    expect(isDestinationAllowed(uri, [deny('+1900*@*')])).toBe(false);
    expect(isDestinationAllowed('sip:+15551234@gw;rn=+1900555', [deny('+1900*@*')])).toBe(false);
  });

  it.each([
    '%2B1900*@*',
    '+1-900*@*',
    '+1 900*@*'.replace(' ', '%20'),
    '+1(900)*@gw.example.',
    '+1-900*',
    '+1900*@gw.example:5060',
    '+1900*@GW.EXAMPLE',
  ])('by the pattern %s', (pattern) => {
    expect(isDestinationAllowed('sip:+19005551234@gw.example', [deny(pattern)])).toBe(false);
    expect(isDestinationAllowed('sip:+19015551234@gw.example', [deny(pattern)])).toBe(true);
  });

  it('exactly, even if tones follow it', () => {
    for (const user of ['+19005551234,1', '+1-900-555-1234w22', '+19005551234x9', '+19005551234;postd=22'])
      expect(isDestinationAllowed(`sip:${user}@gw`, [deny('+19005551234@*')]), user).toBe(false);
  });
});

describe('a denied host is denied', () => {
  it.each([
    ['*@10.0.0.1', 'sip:bob@[::ffff:10.0.0.1]'],
    ['*@10.0.0.1', 'sip:bob@[0:0:0:0:0:FFFF:0a00:0001]:5061'],
    ['*@10.0.0.1', 'sip:bob@[::10.0.0.1]'],
    ['*@10.0.0.*', 'sip:[64:ff9b::10.0.0.1]'],
    ['*@10.*', 'sip:bob@[2002:a00:1::]'],
    ['*10.0.0.1', 'sip:bob@[::ffff:a00:1]'],
    ['*@[::ffff:10.0.0.1]', 'sip:bob@10.0.0.1'],
    ['*[::FFFF:A00:1]', 'sip:bob@10.0.0.1'],
    ['*@[2001:0db8:0:0:*]', 'sip:bob@[2001:db8::1]'],
    ['*@[2001:db8::1]', 'sip:bob@[2001:DB8:0:0::0001]'],
    ['*@[2001:db8::1]:5060', 'sip:bob@[2001:db8::1]'],
    ['*@gw.example.', 'sip:bob@GW.example'],
  ])('by %s: %s', (pattern, uri) => {
    expect(isDestinationAllowed(uri, [])).toBe(true);
    expect(isDestinationAllowed(uri, [deny(pattern)])).toBe(false);
  });

  it.each([
    '10.0.0.1.',
    '010.0.0.1',
    '0x0a.1',
    '167772161',
    '10.1',
    '[::ffff:10.0.0.1%25eth0]',
    'gw..example',
  ])('since nobody can dial the host %s', (host) => {
    expect(isDestinationAllowed(`sip:bob@${host}`, [])).toBe(false);
  });
});

describe('other addresses', () => {
  it.each([
    ['another number', 'sip:+44207@gw', '+1900*@*'],
    ['a name', 'sip:bob@gw', '+1900*@*'],
    ['a name with digits', 'sip:bob2@gw', '+1900*@*'],
    ['a name that is a UUID', 'sip:3f9a8c7b-90a1-4c2e-8f00-1900a1b2c3d4@gw', '+1900*@*'],
    ['a name in another script', 'sip:%D0%B1%D0%BE%D0%B1@gw', '+1900*@*'],
    ['a name that a hyphen divides', 'sip:a-b@gw', 'ab@*'],
    ['no user', 'sip:gw.example', '+1900*@*'],
    ['a percent sign', 'sip:100%25@gw', '+1900*@*'],
  ])('are not denied: %s', (_, uri, pattern) => {
    expect(isDestinationAllowed(uri, [deny(pattern)])).toBe(true);
  });

  it.each([
    ['the digits of a name', 'sip:bob44@gw', '44*@*'],
    ['digits before which something is dialed', 'sip:x+44207@gw', '+44*@*'],
    ['full-width digits', `sip:${escaped('＋４４207')}@gw`, '+44*@*'],
    ['two escapes', 'sip:%252B44207@gw', '+44*@*'],
    ['another case', 'sip:Bob@gw', 'bob@*'],
    ['a context that makes it another number', 'sip:44207;phone-context=+1900@gw', '44*@*'],
    ['the same behind the host', 'sip:44207@gw;phone-context=+1900', '44*@*'],
    ['a routing number', 'sip:+44207;rn=+1900@gw', '+44*@*'],
    ['an IPv6 form of an IPv4 host', 'sip:bob@[::ffff:10.0.0.1]', '*@10.0.0.1'],
    ['an IPv4 form of an IPv6 host', 'sip:bob@10.0.0.1', '*@[::ffff:10.0.0.1]'],
  ])('are not allowed because of %s', (_, uri, pattern) => {
    expect(isDestinationAllowed(uri, [])).toBe(true);
    expect(isDestinationAllowed(uri, [allow(pattern)])).toBe(false);
  });
});

it('a pattern that could never match is rejected', () => {
  for (const pattern of [
    '*@gw:5060',
    '*@[::1]:5060',
    '*@gw;user=phone',
    '*@gw?x=y',
    '*@[2001:db8::*]',
    '*@[*::1]',
  ])
    expect(Pattern.safeParse(pattern).success, pattern).toBe(false);
  for (const pattern of [
    '*@gw',
    'a:b@gw',
    '*@[::1]',
    '*@[2001:db8:0:*]',
    '+1900*',
    '1;phone-context=+1900@*',
  ])
    expect(Pattern.safeParse(pattern).success, pattern).toBe(true);
});

describe('for random spellings', () => {
  const noise = fc.constantFrom(
    ...[
      '',
      '',
      '',
      '-',
      '.',
      '(',
      ')',
      ' ',
      '/',
      '_',
      '~',
      "'",
      '!',
      ',',
      ';',
      'w',
      'p',
      'x',
      'A',
      '=',
      '&',
      '?',
      '$',
    ],
    ...['\u00a0', '\u2009', '\u200b', '\u2010', '\u2212', '\u3000', '\ufeff', 'é', '中', '\u0301'],
  );
  /** The zeros of some scripts. */
  const zero = fc.constantFrom(0x30, 0x30, 0x660, 0x6f0, 0x966, 0xff10, 0x1d7ce, 0x1d7f6, 0x116da, 0x1fbf0);
  const style = fc.tuple(noise, zero, fc.integer({ min: 0, max: 2 }));
  const number = fc.stringMatching(/^\+1900[0-9]{0,10}$/);
  const suffix = fc.constantFrom('', ';ext=1', ';isub=a', ':pw');
  const host = fc.constantFrom('gw.example', 'GW.Example.', 'gw.example:5060', 'gw.example;user=phone');

  const spell = (text: string, styles: readonly (readonly [string, number, number])[]) =>
    [...text]
      .map((character, index) => {
        const [before, base, escapes] = styles[index % styles.length] ?? ['', 0x30, 0];
        const digit = /[0-9]/.test(character) ? String.fromCodePoint(base + Number(character)) : character;
        let written = escaped(digit);
        if (escapes > 0 && written === digit) written = `%${digit.charCodeAt(0).toString(16)}`;
        if (escapes > 1) written = written.replaceAll('%', '%25');
        return escaped(before) + written;
      })
      .join('');

  it('none is accepted whose digits and plus signs are a denied number', () => {
    fc.assert(
      fc.property(
        number,
        fc.array(style, { minLength: 15, maxLength: 15 }),
        suffix,
        host,
        (dialed, styles, tail, at) => {
          const uri = `sip:${spell(dialed, styles)}${tail}@${at}`;
          fc.pre(uri.length <= 512);
          expect(isDestinationAllowed(uri, []), uri).toBe(true);
          expect(isDestinationAllowed(uri, [deny('+1900*@*')]), uri).toBe(false);
          expect(isDestinationAllowed(uri, [deny(`${dialed}*@gw.example`)]), uri).toBe(false);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('any user part of ASCII is denied if its digits and plus signs are denied', () => {
    const user = fc.stringMatching(/^[+0-9a-zA-Z\-_.!~*'()&=$,;?/]{1,24}$/);
    fc.assert(
      fc.property(user, (text) => {
        const digits = text.replace(/[^0-9+]/g, '');
        fc.pre(/[0-9]/.test(digits));
        expect(isDestinationAllowed(`sip:${text}@gw`, [deny(`${digits}@*`)]), text).toBe(false);
      }),
      { numRuns: 5_000 },
    );
  });

  it('nothing is allowed that is not allowed as it is written, apart from separators and escapes', () => {
    const user = fc.stringMatching(/^[+0-9a-z\-.*#()]{1,12}$/).map((text) => text.replaceAll('#', '%23'));
    fc.assert(
      fc.property(user, (text) => {
        const written = decodeURIComponent(text);
        const isNumber = /^[+0-9*#\-.()]+$/.test(written) && /[0-9]/.test(written);
        const dialed = isNumber ? written.replace(/[-.()]/g, '') : written;
        for (const prefix of ['+', '1', 'a'])
          expect(isDestinationAllowed(`sip:${text}@gw`, [allow(`${prefix}*@gw`)]), text).toBe(
            dialed.startsWith(prefix),
          );
      }),
      { numRuns: 2_000 },
    );
  });
});
