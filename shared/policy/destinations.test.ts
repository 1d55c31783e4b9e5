import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDestinationAllowed } from './destinations.ts';
import type { Rules } from './policy.ts';

const allow = (...patterns: string[]): Rules => ({ allow: patterns, deny: [] });
const deny = (...patterns: string[]): Rules => ({ allow: [], deny: patterns });

it('without rules every SIP URI is allowed, and nothing else', () => {
  expect(isDestinationAllowed('sip:bob@example.com', [])).toBe(true);
  expect(isDestinationAllowed('sip:bob@example.com', [deny(), allow()])).toBe(true);
  expect(isDestinationAllowed('tel:+1900', [])).toBe(false);
  expect(isDestinationAllowed('sip:bob@example.com?Route=x', [])).toBe(false);
});

describe('a premium-rate number is denied, however it is written', () => {
  it.each([
    'sip:+19005550100@gw.example',
    'SIPS:+19005550100@GW.EXAMPLE:5061;transport=tls',
    'sip:%2B19005550100@gw.example',
    'sip:%2b%31%39%30%305550100@gw.example',
    'sip:+1-900-555-0100@gw.example',
    'sip:+1(900)555.0100@gw.example',
    'sip:+1%20900%205550100@gw.example',
    'sip:+1%2D900%2D5550100@gw.example',
    'sip:+19005550100;phone-context=x@gw.example',
    'sip:+1-900-5550100;isub=1@gw.example',
    'sip:+19005550100%3Bx=y@gw.example',
    'sip:+19005550100:secret@gw.example',
    'sip:+19005550100@gw.example.',
  ])('%s', (uri) => {
    expect(isDestinationAllowed(uri, [deny('+1900*@*')])).toBe(false);
    expect(isDestinationAllowed(uri, [deny('+1-900*@*')])).toBe(false);
    expect(isDestinationAllowed(uri, [deny('+1900*@gw.example')])).toBe(false);
    expect(isDestinationAllowed(uri, [allow('*'), deny('+1900*')])).toBe(false);
    expect(isDestinationAllowed(uri, [deny('+1901*@*')])).toBe(true);
  });
});

describe('patterns', () => {
  it.each([
    ['itself', 'sip:bob@example.com', 'bob@example.com', true],
    ['another user', 'sip:bobby@example.com', 'bob@example.com', false],
    ['the case of the host: does not matter', 'sip:bob@EXAMPLE.com', 'bob@Example.COM', true],
    ['any user', 'sip:bob@example.com', '*@example.com', true],
    ['no user', 'sip:example.com', '*@example.com', true],
    ['any subdomain', 'sip:bob@pbx.example.com', '*@*.example.com', true],
    ['a host that only ends like it', 'sip:bob@notexample.com', '*@*.example.com', false],
    ['a host that continues', 'sip:bob@example.com.evil.net', '*@example.com', false],
    ['an escaped @ belongs to the user', 'sip:bob%40example.com@evil.net', 'bob@*', false],
    ['and not to the host', 'sip:x%40example.com@evil.net', '*@example.com', false],
    ['everything', 'sip:bob@example.com', '*', true],
    ['a prefix without a host', 'sip:+44207@gw', '+44*', true],
    ['stars that must not overlap', 'sip:aba@x', 'ab*ba@x', false],
    ['stars in between', 'sip:abxxba@x', 'ab*ba@x', true],
    ['several stars', 'sip:1a2b3@x', '1*2*3@x', true],
    ['pieces in the wrong order', 'sip:1b2a3@x', '1*a*2*3@x', false],
    ['no regular expression', 'sip:axb@x', 'a.b@x', false],
    ['a dot as itself', 'sip:a.b@x', 'a.b@x', true],
    ['IPv6 in another spelling', 'sip:bob@[2001:DB8:0:0::1]', '*@[2001:db8::1]', true],
    ['IPv6 with an IPv4 tail', 'sip:bob@[::ffff:192.0.2.1]', '*@[::ffff:c000:201]', true],
    ['another IPv6', 'sip:bob@[2001:db8::2]', '*@[2001:db8::1]', false],
    ['UTF-8', 'sip:%C3%A9@x', 'é@x', true],
    ['bytes that are not UTF-8', 'sip:%E9@x', 'é@x', true],
    ['hyphens of a name are kept', 'sip:a-b@x', 'ab@x', false],
  ])('%s: %s against %s', (_, uri, pattern, matches) => {
    expect(isDestinationAllowed(uri, [allow(pattern)])).toBe(matches);
    expect(isDestinationAllowed(uri, [deny(pattern)])).toBe(!matches);
  });

  it('an ambiguous user is allowed if both interpretations are, and denied if either is', () => {
    const uri = 'sip:alice%3Bevil@x';
    expect(isDestinationAllowed(uri, [allow('alice@x')])).toBe(false);
    expect(isDestinationAllowed(uri, [allow('alice*@x')])).toBe(true);
    expect(isDestinationAllowed(uri, [deny('alice@x')])).toBe(false);
  });

  it('the case of a user matters where it is allowed, and not where it is denied', () => {
    expect(isDestinationAllowed('sip:Bob@example.com', [allow('bob@example.com')])).toBe(false);
    expect(isDestinationAllowed('sip:Bob@example.com', [deny('bob@example.com')])).toBe(false);
    expect(isDestinationAllowed('sip:bob@example.com', [deny('BOB@example.com')])).toBe(false);
  });

  it('all the rules must allow an address', () => {
    const rules = [allow('*@a.example', '*@b.example'), deny('+1900*@*'), allow('+1*@*')];
    expect(isDestinationAllowed('sip:+1212@a.example', rules)).toBe(true);
    expect(isDestinationAllowed('sip:+44@a.example', rules)).toBe(false);
    expect(isDestinationAllowed('sip:+1900@b.example', rules)).toBe(false);
    expect(isDestinationAllowed('sip:+1212@c.example', rules)).toBe(false);
  });
});

describe('for random numbers and patterns', () => {
  const digits = fc.stringMatching(/^[0-9]{1,12}$/);
  /** How each character is written: the separator before it, and whether it is escaped. */
  const notation = fc.array(
    fc.tuple(fc.constantFrom('', '-', '.', '(', ')', '%20', '%2D', '%28'), fc.boolean()),
    { minLength: 16, maxLength: 16 },
  );

  it('a denied prefix is denied in every notation', () => {
    fc.assert(
      fc.property(digits, notation, (rest, styles) => {
        const number = `+1900${rest}`;
        const user = [...number]
          .map((character, index) => {
            const [separator, escaped] = styles[index % styles.length] ?? ['', false];
            const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
            return `${separator}${escaped ? `%${hex}` : character}`;
          })
          .join('');
        expect(isDestinationAllowed(`sip:${user}@gw.example`, [deny('+1900*@*')]), user).toBe(false);
      }),
    );
  });

  it('a pattern matches like its regular expression', () => {
    const text = fc.stringMatching(/^[ab]{1,12}$/);
    const pattern = fc.stringMatching(/^[ab*]{1,8}$/);
    fc.assert(
      fc.property(text, pattern, (user, glob) => {
        const expected = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(user);
        expect(isDestinationAllowed(`sip:${user}@x`, [allow(`${glob}@x`)])).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('a pattern that is built to be slow is matched quickly', () => {
    const rules = Array.from({ length: 1_000 }, (_, n) => `${'*a'.repeat(60)}*${n}b@*`);
    const startedAt = performance.now();
    expect(isDestinationAllowed(`sip:${'a'.repeat(480)}@x`, [deny(...rules)])).toBe(true);
    // It takes about 20 ms. With backtracking it would take longer than the age of the universe.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
