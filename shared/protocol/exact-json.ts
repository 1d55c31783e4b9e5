/**
 * JSON whose numbers keep their value. `JSON.parse` makes each number a double: 9007199254740993 becomes 9007199254740992, and 1e400
 * becomes infinity. Here such a number is a {@link RawJson}, whose text `JSON.stringify` writes unchanged. A copy by spread or
 * structured clone would lose that, so such values are passed on as they are.
 *
 * It needs `JSON.parse` with source access and `JSON.rawJSON` (https://github.com/tc39/proposal-json-parse-with-source), which workerd
 * and Node.js from 21 on have. Without them, numbers are rounded as usual.
 * @module
 */

/** A value that `JSON.stringify` writes as the text that it was parsed from. */
export interface RawJson {
  readonly rawJSON: string;
}

/** JSON with the texts of its ids. */
export interface ExactJson {
  readonly value: unknown;
  /** Returns the text of the member `id` of an object in the value, if it is a string or a number. */
  idTextOf(object: object): string | undefined;
}

type Reviver = (this: object, key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** The functions of `JSON` that the library of TypeScript does not declare yet. */
const json = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown;
  rawJSON?(text: string): RawJson;
};

/**
 * Finds each number that a double may not hold, so that other texts are parsed as fast as usual: it has 16 digits, a fraction or an
 * exponent, or is -0. Texts within strings may look like one, which costs time only.
 */
const UNCOMMON_NUMBER = /(?:^|[[:,\s])-?(?:\d{16}|\d+[.eE]|(?<=-)0)/;

/** Parses JSON. Throws a SyntaxError as `JSON.parse` does, and a RangeError if it is nested some thousand levels deep. */
export function parseJson(text: string): unknown {
  return UNCOMMON_NUMBER.test(text) ? parseExactJson(text).value : JSON.parse(text);
}

/** Returns whether a message has numbers, or perhaps ids, that `JSON.parse` and `JSON.stringify` would change. */
export function hasUncommonText(text: string): boolean {
  return text.includes('\\') || UNCOMMON_NUMBER.test(text);
}

/** Parses JSON, and keeps the texts of ids. It takes several times as long as `JSON.parse`. Throws as {@link parseJson} does. */
export function parseExactJson(text: string): ExactJson {
  const idTexts = new Map<object, string>();
  const value = json.parse(text, function keepText(key, each, context) {
    const source = context?.source;
    if (source === undefined) return each;
    if (key === 'id' && each !== null) idTexts.set(this, source);
    return typeof each === 'number' && !isSameNumber(source, JSON.stringify(each)) ? rawJson(source) : each;
  });
  return { value, idTextOf: (object) => idTexts.get(object) };
}

/** Returns the first number in JSON that this platform cannot write again with its value; undefined if there is none. */
export function roundedNumber(text: string): string | undefined {
  if (json.rawJSON) return undefined;
  const withoutStrings = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return withoutStrings
    .match(/-?\d[\d.eE+-]*/g)
    ?.find((number) => !isSameNumber(number, JSON.stringify(Number(number))));
}

/** Returns the value that `JSON.stringify` writes as this text, which is that of a number or a string. */
export function rawJson(text: string): RawJson | undefined {
  return json.rawJSON?.(text);
}

/** Returns whether two texts of JSON numbers have the same value. */
function isSameNumber(one: string, other: string): boolean {
  return one === other || canonical(one) === canonical(other);
}

/** Characters of an exponent that is calculated with. Those that `JSON.stringify` writes have four. */
const MAX_EXPONENT_LENGTH = 9;

/** Returns the sign, the digits without zeros at either end, and the power of ten that these are multiplied with. */
function canonical(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return sign;
  // No double has an exponent as long as that.
  if (exponent.length > MAX_EXPONENT_LENGTH) return number;
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
