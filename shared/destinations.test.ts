import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayDial } from './destinations.ts';
import type { Rules } from './policy.ts';

const allow = (...patterns: string[]): Rules => ({ allow: patterns, deny: [] });
const deny = (...patterns: string[]): Rules => ({ allow: [], deny: patterns });

it('without any rule all may be dialled, and what is no SIP URI never', () => {
  expect(mayDial('sip:bob@example.com', [])).toBe(true);
  expect(mayDial('sip:bob@example.com', [deny(), allow()])).toBe(true);
  expect(mayDial('tel:+1900', [])).toBe(false);
  expect(mayDial('sip:bob@example.com?Route=x', [])).toBe(false);
});

describe('a premium number is denied, however it is written', () => {
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
    expect(mayDial(uri, [deny('+1900*@*')])).toBe(false);
    expect(mayDial(uri, [deny('+1-900*@*')])).toBe(false);
    expect(mayDial(uri, [deny('+1900*@gw.example')])).toBe(false);
    expect(mayDial(uri, [allow('*'), deny('+1900*')])).toBe(false);
    expect(mayDial(uri, [deny('+1901*@*')])).toBe(true);
  });
});

describe('patterns', () => {
  it.each([
    ['itself', 'sip:bob@example.com', 'bob@example.com', true],
    ['another user', 'sip:bobby@example.com', 'bob@example.com', false],
    ['upper and lower case: users differ', 'sip:Bob@example.com', 'bob@example.com', false],
    ['upper and lower case: hosts do not', 'sip:bob@EXAMPLE.com', 'bob@Example.COM', true],
    ['any user', 'sip:bob@example.com', '*@example.com', true],
    ['no user', 'sip:example.com', '*@example.com', true],
    ['any host below', 'sip:bob@pbx.example.com', '*@*.example.com', true],
    ['a host that only ends so', 'sip:bob@notexample.com', '*@*.example.com', false],
    ['a host that goes on', 'sip:bob@example.com.evil.net', '*@example.com', false],
    ['an escaped @ is the user part’s', 'sip:bob%40example.com@evil.net', 'bob@*', false],
    ['and no host', 'sip:x%40example.com@evil.net', '*@example.com', false],
    ['everything', 'sip:bob@example.com', '*', true],
    ['a prefix without a host', 'sip:+44207@gw', '+44*', true],
    ['stars that must not overlap', 'sip:aba@x', 'ab*ba@x', false],
    ['stars in between', 'sip:abxxba@x', 'ab*ba@x', true],
    ['several', 'sip:1a2b3@x', '1*2*3@x', true],
    ['several in the wrong order', 'sip:1b2a3@x', '1*a*2*3@x', false],
    ['no regular expression', 'sip:axb@x', 'a.b@x', false],
    ['a dot as itself', 'sip:a.b@x', 'a.b@x', true],
    ['IPv6 in another spelling', 'sip:bob@[2001:DB8:0:0::1]', '*@[2001:db8::1]', true],
    ['IPv6 with an IPv4 tail', 'sip:bob@[::ffff:192.0.2.1]', '*@[::ffff:c000:201]', true],
    ['another IPv6', 'sip:bob@[2001:db8::2]', '*@[2001:db8::1]', false],
    ['UTF-8', 'sip:%C3%A9@x', 'é@x', true],
    ['bytes that are no UTF-8', 'sip:%E9@x', 'é@x', true],
    ['names keep their hyphens', 'sip:a-b@x', 'ab@x', false],
  ])('%s: %s against %s', (_, uri, pattern, matches) => {
    expect(mayDial(uri, [allow(pattern)])).toBe(matches);
    expect(mayDial(uri, [deny(pattern)])).toBe(!matches);
  });

  it('what may be read in two ways is allowed if both are, and denied if either is', () => {
    const uri = 'sip:alice%3Bevil@x';
    expect(mayDial(uri, [allow('alice@x')])).toBe(false);
    expect(mayDial(uri, [allow('alice*@x')])).toBe(true);
    expect(mayDial(uri, [deny('alice@x')])).toBe(false);
  });

  it('each of several rules must let it pass', () => {
    const rules = [allow('*@a.example', '*@b.example'), deny('+1900*@*'), allow('+1*@*')];
    expect(mayDial('sip:+1212@a.example', rules)).toBe(true);
    expect(mayDial('sip:+44@a.example', rules)).toBe(false);
    expect(mayDial('sip:+1900@b.example', rules)).toBe(false);
    expect(mayDial('sip:+1212@c.example', rules)).toBe(false);
  });
});

describe('whatever the number and its writing', () => {
  const digits = fc.stringMatching(/^[0-9]{1,12}$/);
  /** One digit or sign in some other writing, with separators around it. */
  const written = fc.array(
    fc.tuple(fc.constantFrom('', '-', '.', '(', ')', '%20', '%2D', '%28'), fc.boolean()),
    { minLength: 16, maxLength: 16 },
  );

  it('a denied prefix is denied', () => {
    fc.assert(
      fc.property(digits, written, (rest, styles) => {
        const number = `+1900${rest}`;
        const user = [...number]
          .map((character, at) => {
            const [separator, escaped] = styles[at % styles.length] ?? ['', false];
            const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
            return `${separator}${escaped ? `%${hex}` : character}`;
          })
          .join('');
        expect(mayDial(`sip:${user}@gw.example`, [deny('+1900*@*')]), user).toBe(false);
      }),
    );
  });

  it('a pattern matches as its regular expression does', () => {
    const text = fc.stringMatching(/^[ab]{1,12}$/);
    const pattern = fc.stringMatching(/^[ab*]{1,8}$/);
    fc.assert(
      fc.property(text, pattern, (user, glob) => {
        const expected = new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(user);
        expect(mayDial(`sip:${user}@x`, [allow(`${glob}@x`)])).toBe(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('a pattern made to be slow is not', () => {
    const rules = Array.from({ length: 1_000 }, (_, n) => `${'*a'.repeat(60)}*${n}b@*`);
    const began = performance.now();
    expect(mayDial(`sip:${'a'.repeat(480)}@x`, [deny(...rules)])).toBe(true);
    // It takes about 20 ms; one that tries again what it has tried takes longer than the universe has lasted.
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
