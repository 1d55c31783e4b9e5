import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CUSTOM_HEADER_LIMITS,
  CustomHeaders,
  DisplayName,
  headerLines,
  MAX_DISPLAY_NAME_LENGTH,
  quotedString,
} from './sip-text.ts';

const issuesOf = (schema: typeof DisplayName | typeof CustomHeaders, value: unknown) =>
  schema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

/** Characters that could end a line, end the text, or have a special meaning to OpenSIPS. */
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

describe('a display name', () => {
  it.each([
    'Alice',
    'O’Neil, Zoë',
    '電話 😀',
    '"Ace" <ace>; tag=1',
    'a!b!!',
    ' ',
    '%0d%0a',
    'x'.repeat(MAX_DISPLAY_NAME_LENGTH),
  ])('%j is accepted', (text) => expect(issuesOf(DisplayName, text)).toEqual([]));

  it.each(dangerous)('must not contain %j', (text) => {
    expect(issuesOf(DisplayName, `Alice${text}`)).toHaveLength(1);
    expect(issuesOf(DisplayName, `${text}Alice`)).toHaveLength(1);
  });

  it.each(['', 'x'.repeat(MAX_DISPLAY_NAME_LENGTH + 1), '\ud83d', '\ude00', 7, null, {}])(
    '%j is rejected',
    (text) => {
      expect(issuesOf(DisplayName, text)).toHaveLength(1);
    },
  );

  it('is measured in characters, not in code units', () => {
    expect(issuesOf(DisplayName, '😀'.repeat(MAX_DISPLAY_NAME_LENGTH))).toEqual([]);
    expect(issuesOf(DisplayName, '😀'.repeat(MAX_DISPLAY_NAME_LENGTH + 1))).toEqual([
      `: has more than ${MAX_DISPLAY_NAME_LENGTH} characters. Use a shorter text.`,
    ]);
  });
});

describe('a quoted string', () => {
  it('escapes only quotes and backslashes', () => {
    expect(quotedString('Zoë "Ace" <b>')).toBe('"Zoë \\"Ace\\" <b>"');
    expect(quotedString('a\\')).toBe('"a\\\\"');
  });

  it('conforms to RFC 3261 §25.1 for every accepted name, and unquotes to that name', () => {
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

describe('custom headers', () => {
  it.each([
    {},
    { 'X-Order': '4711' },
    { 'X-a': 'grüß, "q" <x>; y=1' },
    { 'X-Empty': '' },
    // Header names are case-insensitive (RFC 3261 §7.3.1).
    { 'x-ticket': '4711' },
    { [`X-${'a'.repeat(40)}`]: 'x'.repeat(CUSTOM_HEADER_LIMITS.valueLength) },
  ])('%j are accepted', (headers) => expect(issuesOf(CustomHeaders, headers)).toEqual([]));

  it.each(['Order', 'X-', 'X-a b', 'X-a:b', 'X-ä', 'X-a\r\nEvil', 'X_a', `X-${'a'.repeat(41)}`, 'Via'])(
    'cannot be named %j',
    (name) => expect(issuesOf(CustomHeaders, JSON.parse(`{${JSON.stringify(name)}:"1"}`))).toHaveLength(1),
  );

  it.each([
    ...dangerous,
    '!',
    '!!',
    ' at its start',
    'x'.repeat(CUSTOM_HEADER_LIMITS.valueLength + 1),
    '\ud83d',
    7,
    null,
    ['a'],
  ])('cannot have the value %j', (value) => {
    const issues = issuesOf(CustomHeaders, { 'X-Good': 'yes', 'X-Bad': value });
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatch(/^X-Bad: /);
  });

  it('ignore the name __proto__', () => {
    expect(CustomHeaders.parse(JSON.parse('{"__proto__":"1","X-A":"2"}'))).toEqual({ 'X-A': '2' });
  });

  it('appear once each, regardless of the case of their names', () => {
    expect(issuesOf(CustomHeaders, { 'X-Order': '1', 'X-ORDER': '2' })).toEqual([
      ': has the header "X-ORDER" twice. Header names are case-insensitive. Remove one of them.',
    ]);
  });

  it('are limited to ten, and in total to what fits into a datagram', () => {
    const many = (count: number, value: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`X-${`${n}`.padStart(40, 'n')}`, value]));
    expect(issuesOf(CustomHeaders, many(10, 'x'.repeat(CUSTOM_HEADER_LIMITS.valueLength)))).toEqual([]);
    expect(issuesOf(CustomHeaders, many(11, 'x'))).toEqual([': has 11 headers. Use at most 10.']);
    expect(issuesOf(CustomHeaders, many(10, '電'.repeat(CUSTOM_HEADER_LIMITS.valueLength)))).toEqual([
      `: has more than ${CUSTOM_HEADER_LIMITS.totalBytes} bytes in total. Use fewer or shorter headers.`,
    ]);
  });

  it('are sorted, regardless of the order in which they were given', () => {
    const headers = CustomHeaders.parse({ 'X-B': '2', 'X-A': '1' });
    expect(JSON.stringify(headers)).toBe(JSON.stringify(CustomHeaders.parse({ 'X-A': '1', 'X-B': '2' })));
    expect(headerLines(headers)).toEqual(['X-A: 1', 'X-B: 2']);
  });

  it('are parsed by OpenSIPS as they were given, each as one line', () => {
    fc.assert(
      fc.property(fc.dictionary(names, texts, { maxKeys: 12 }), (given) => {
        const headers = CustomHeaders.safeParse(given);
        fc.pre(headers.success);
        const lines = headerLines(headers.data ?? {});
        const parsed = afterOpenSips(lines.map((line) => `${line}\r\n`).join(''))
          .split('\r\n')
          .slice(0, -1);
        expect(parsed).toEqual(
          Object.keys(given)
            .sort()
            .map((name) => `${name}: ${given[name]}`),
        );
        for (const line of parsed) expect(line).not.toMatch(/[\r\n\0!]/);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Mostly allowed text, with a good share of text that could break out of its header. */
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
  fc.stringMatching(/^[Xx]-[A-Za-z0-9-]{1,6}$/),
  fc.string({ maxLength: 6 }).map((text) => `X-${text}`),
);

/** Does what `t_uac_dlg` does to its headers before it parses them: `unescape_crlf` in OpenSIPS's `ut.h`. */
function afterOpenSips(headers: string): string {
  return headers.replace(/\\([rn])/g, (_, letter) => (letter === 'r' ? '\r' : '\n'));
}

/** Returns the content of a quoted string, as a phone reads it. */
function unquoted(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/gu, '$1');
}
