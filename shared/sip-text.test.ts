import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DisplayName,
  HEADER_LIMITS,
  headerLines,
  MAX_DISPLAY,
  OwnHeaders,
  quotedString,
} from './sip-text.ts';

const wrong = (schema: typeof DisplayName | typeof OwnHeaders, value: unknown) =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

/** What could end a line, end the text, or mean something else to OpenSIPS. */
const dangerous = [
  '\r',
  '\n',
  '\r\nX-Evil: 1',
  '\0',
  '\t',
  '\x1b',
  '\x7f',
  '\x85',
  '\u2028',
  '\u2029',
  '\\r\\n',
  '\\',
];

describe('the name that a phone shows', () => {
  it.each([
    'Alice',
    'O’Neil, Zoë',
    '電話 😀',
    '"Ace" <ace>; tag=1',
    'a!b!!',
    ' ',
    '%0d%0a',
    'x'.repeat(MAX_DISPLAY),
  ])('may be %j', (text) => expect(wrong(DisplayName, text)).toEqual([]));

  it.each(dangerous)('may not have %j in it', (text) => {
    expect(wrong(DisplayName, `Alice${text}`)).toHaveLength(1);
    expect(wrong(DisplayName, `${text}Alice`)).toHaveLength(1);
  });

  it.each(['', 'x'.repeat(MAX_DISPLAY + 1), '\ud83d', '\ude00', 7, null, {}])('may not be %j', (text) => {
    expect(wrong(DisplayName, text)).toHaveLength(1);
  });

  it('is counted in characters, not in units of an encoding', () => {
    expect(wrong(DisplayName, '😀'.repeat(MAX_DISPLAY))).toEqual([]);
    expect(wrong(DisplayName, '😀'.repeat(MAX_DISPLAY + 1))).toEqual([
      `: longer than ${MAX_DISPLAY} characters`,
    ]);
  });
});

describe('a quoted string', () => {
  it('stands as it is, but for quotes and backslashes', () => {
    expect(quotedString('Zoë "Ace" <b>')).toBe('"Zoë \\"Ace\\" <b>"');
    expect(quotedString('a\\')).toBe('"a\\\\"');
  });

  it('is one of RFC 3261 §25.1 for every name that is taken, and reads as that name', () => {
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(DisplayName.safeParse(text).success);
        const quoted = quotedString(text);
        expect(quoted).toMatch(/^"(?:[^"\\\r\n\0]|\\[^\r\n])*"$/);
        expect(unquoted(afterOpenSips(quoted))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('headers of a client’s own', () => {
  it.each([
    {},
    { 'X-Order': '4711' },
    { 'X-a': 'grüß, "q" <x>; y=1' },
    { 'X-Empty': '' },
    { [`X-${'a'.repeat(40)}`]: 'x'.repeat(HEADER_LIMITS.value) },
  ])('may be %j', (headers) => expect(wrong(OwnHeaders, headers)).toEqual([]));

  it.each([
    'Order',
    'x-order',
    'X-',
    'X-a b',
    'X-a:b',
    'X-ä',
    'X-a\r\nEvil',
    'X_a',
    `X-${'a'.repeat(41)}`,
    'Via',
  ])('may not be named %j', (name) =>
    expect(wrong(OwnHeaders, JSON.parse(`{${JSON.stringify(name)}:"1"}`))).toHaveLength(1),
  );

  it.each([
    ...dangerous,
    '!',
    '!!',
    ' at its start',
    'x'.repeat(HEADER_LIMITS.value + 1),
    '\ud83d',
    7,
    null,
    ['a'],
  ])('may not be %j', (value) => {
    const issues = wrong(OwnHeaders, { 'X-Good': 'yes', 'X-Bad': value });
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatch(/^X-Bad: /);
  });

  it('named __proto__ bring in nothing', () => {
    expect(OwnHeaders.parse(JSON.parse('{"__proto__":"1","X-A":"2"}'))).toEqual({ 'X-A': '2' });
  });

  it('stand once each, whatever the case of their names', () => {
    expect(wrong(OwnHeaders, { 'X-Order': '1', 'X-ORDER': '2' })).toEqual([
      'X-ORDER: the header stands twice',
    ]);
  });

  it('are at most ten, and together no longer than what still fits a datagram', () => {
    const many = (count: number, value: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`X-${`${n}`.padStart(40, 'n')}`, value]));
    expect(wrong(OwnHeaders, many(10, 'x'.repeat(HEADER_LIMITS.value)))).toEqual([]);
    expect(wrong(OwnHeaders, many(11, 'x'))).toEqual([': at most 10 headers']);
    expect(wrong(OwnHeaders, many(10, '電'.repeat(HEADER_LIMITS.value)))).toEqual([
      `: all together longer than ${HEADER_LIMITS.bytes} bytes`,
    ]);
  });

  it('have one order, in which way ever they were given', () => {
    const one = OwnHeaders.parse({ 'X-B': '2', 'X-A': '1' });
    expect(JSON.stringify(one)).toBe(JSON.stringify(OwnHeaders.parse({ 'X-A': '1', 'X-B': '2' })));
    expect(headerLines(one)).toEqual(['X-A: 1', 'X-B: 2']);
  });

  it('are read by OpenSIPS as they were written, each as a line of its own', () => {
    fc.assert(
      fc.property(fc.dictionary(names, texts, { maxKeys: 12 }), (given) => {
        const headers = OwnHeaders.safeParse(given);
        fc.pre(headers.success);
        const lines = headerLines(headers.data ?? {});
        const read = afterOpenSips(lines.map((line) => `${line}\r\n`).join(''))
          .split('\r\n')
          .slice(0, -1);
        expect(read).toEqual(
          Object.keys(given)
            .sort()
            .map((name) => `${name}: ${given[name]}`),
        );
        for (const line of read) expect(line).not.toMatch(/[\r\n\0!]/);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Mostly what is allowed, with a good chance of what breaks out. */
const texts = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
      fc.constantFrom(...dangerous, '"', '!', 'r', 'n', '😀'),
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(''));
const names = fc.oneof(
  fc.stringMatching(/^X-[A-Za-z0-9-]{1,6}$/),
  fc.string({ maxLength: 6 }).map((text) => `X-${text}`),
);

/** What `t_uac_dlg` does with its headers before it parses them: `unescape_crlf` of OpenSIPS's `ut.h`. */
function afterOpenSips(headers: string): string {
  return headers.replace(/\\([rn])/g, (_, letter) => (letter === 'r' ? '\r' : '\n'));
}

/** What a phone reads in a quoted string. */
function unquoted(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/gu, '$1');
}
