import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasUncommonText, parseExactJson, parseJson } from './exact-json.ts';

/** The value of a text as it is written again. */
const rewritten = (text: string) => JSON.stringify(parseJson(text));

it.each([
  ['9007199254740993', '9007199254740993'],
  ['[-9007199254740993]', '[-9007199254740993]'],
  ['{"a":123456789012345678901234567890}', '{"a":123456789012345678901234567890}'],
  ['[1e400,-1e400,1e-400]', '[1e400,-1e400,1e-400]'],
  ['{"a": -0}', '{"a":-0}'],
  ['0.12345678901234567890', '0.12345678901234567890'],
  // A double has these values.
  [
    '[1.0,1e2,1E+2,0.10,0.0,9007199254740992,1e0000000000]',
    '[1,100,100,0.1,0,9007199254740992,1e0000000000]',
  ],
  ['"9007199254740993"', '"9007199254740993"'],
])('%s keeps its values', (text, expected) => {
  expect(rewritten(text)).toBe(expected);
});

it('whatever the JSON of doubles, the value is that of JSON.parse', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      // -0 is no other value to JSON.stringify.
      fc.pre(!/-0(?![.\d])/.test(text));
      expect(rewritten(text)).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

it('whatever the integer, it is written again as it was', () => {
  fc.assert(
    fc.property(fc.bigInt(), (value) => {
      const text = `{"a":[${value}]}`;
      fc.pre(value !== 0n);
      expect(rewritten(text)).toBe(text);
    }),
  );
});

it('does not look at the numbers of usual messages one by one', () => {
  const usual = [
    '{"jsonrpc":"2.0","id":1,"method":"CallStart","params":{"caller":"sip:a@192.168.1.10:5060","timeout":20}}',
    '{"at":1764547200123,"seq":42,"callid":"4ed6d7f2-eae1-45c6-8fa6-241df7bf6701"}',
  ];
  for (const text of usual) expect(hasUncommonText(text), text).toBe(false);
});

it('keeps the text of each id, and refuses what is not JSON', () => {
  const { value, idTextOf } = parseExactJson('[{"id":1.0},{"id":"\\u0041"},{"id":null},{}]');
  expect((value as object[]).map(idTextOf)).toEqual(['1.0', '"\\u0041"', undefined, undefined]);
  for (const text of ['', '{', '1.', '01', '9007199254740993 x'])
    expect(() => parseJson(text)).toThrow(SyntaxError);
});
