/**
 * The forms in which proxies and gateways may dial the user part of a SIP URI. Rules that deny are compared with all of
 * them, because a number can be written in more ways than any pattern foresees: `+1900…`, `%2B1-900…`, `+1.900…w1`,
 * full-width digits, `555;phone-context=+1900`. Pure.
 * @module
 */

/** The ways in which a user part may be understood. */
export interface DialedForms {
  /**
   * What proxies compare: unescaped once, with parameters or without, and without visual separators if it is a number.
   * Rules that allow must match all of them.
   */
  readonly users: readonly string[];
  /**
   * In addition, what a gateway may dial: in lower case, unescaped as often as possible, in the compatible Unicode form
   * (NFKC), and as digits alone. Undefined if it cannot be told.
   */
  readonly others: readonly string[] | undefined;
}

/** A number has a few `+`, `*` and `#` at most. With more of them, there are too many numbers that it may stand for. */
const MAX_NUMBERS = 8;

/** A URI is unescaped by a proxy, and perhaps once more by each of the next two. */
const MAX_ROUNDS = 3;

/** Returns the forms of a user part, as it is in the URI. */
export function dialedForms(user: string): DialedForms {
  const unescaped = unescapeUser(user);
  const users = [unescapeUser(withoutParams(user)), withoutParams(unescaped), ...inContext(unescaped)];
  return { users: [...new Set(users.map(withoutSeparators))], others: otherForms(user) };
}

function otherForms(user: string): readonly string[] | undefined {
  const spellings = unescapeFully(user);
  if (!spellings) return undefined;
  const forms = new Set<string>();
  for (const spelling of spellings) {
    const text = withAsciiDigits(spelling.normalize('NFKC')).toLowerCase();
    // A control character ends or changes a number in ways that differ. A numeral that is no digit may be dialed or not.
    if (/[\p{Cc}\p{Co}\p{Cn}\p{Cs}]|(?![0-9])\p{N}/u.test(text)) return undefined;
    // Other plus signs than the one that NFKC makes ASCII.
    if (/[0-9]/.test(text) && /(?![+=~^|<>$`])\p{S}/u.test(text)) return undefined;
    const numbers = numbersIn(text);
    if (!numbers) return undefined;
    for (const form of [text, withoutParams(text), ...numbers]) forms.add(withoutSeparators(form));
  }
  return [...forms];
}

/** Returns the numbers for which a text may stand; undefined if these are too many. */
function numbersIn(text: string): string[] | undefined {
  if (!/[0-9]/.test(text)) return [];
  const starts = [0, ...[...text.matchAll(/[+*#]/g)].map(({ index }) => index)];
  const contexts = inContext(text);
  if (starts.length > MAX_NUMBERS || contexts.length > MAX_NUMBERS) return undefined;
  const parts = [text, withoutParams(text), ...starts.map((start) => text.slice(start)), ...contexts];
  return parts.flatMap((part) => [digitsOf(part), withoutInnerPlus(digitsOf(part)), firstNumberOf(part)]);
}

function digitsOf(text: string): string {
  return text.replace(/[^0-9+]/g, '');
}

function withoutInnerPlus(number: string): string {
  return number.replace(/(?!^)\+/g, '');
}

/** Returns the digits up to what ends a dialed number: a letter (a pause, an extension), a parameter, or another number. */
function firstNumberOf(text: string): string {
  return digitsOf(/\+?[0-9][^\p{L};,=&?*#+]*/u.exec(text)?.[0] ?? '');
}

/**
 * Returns the numbers that the parameters of a local number make of it (RFC 3966 §5.1.5: `phone-context` is a prefix;
 * RFC 4694 §4: `rn` is dialed instead).
 */
function inContext(user: string): string[] {
  const local = withoutParams(user);
  return [...user.matchAll(/;\s*(phone-context|rn)\s*=([^;]*)/gi)].flatMap(([, name, value = '']) => {
    const prefix = digitsOf(value);
    if (prefix === '' || /[^+0-9\-.() ]/.test(value)) return [];
    return name?.toLowerCase() === 'rn' ? [prefix] : [prefix + digitsOf(local)];
  });
}

function withoutParams(user: string): string {
  const end = user.indexOf(';');
  return end < 0 ? user : user.slice(0, end);
}

/** Unescapes once, as a proxy does. If the bytes are not UTF-8, each becomes a character. */
export function unescapeUser(user: string): string {
  return (
    decode(user) ??
    user.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  );
}

/** Returns what each round of unescaping makes of a user part; undefined if it is not UTF-8, or needs too many rounds. */
function unescapeFully(user: string): readonly string[] | undefined {
  const spellings: string[] = [];
  let text = user;
  while (/%[0-9A-Fa-f]{2}/.test(text)) {
    // A `%` that escapes nothing stands for itself.
    const next = decode(text.replace(/%(?![0-9A-Fa-f]{2})/g, '%25'));
    if (next === undefined || spellings.length === MAX_ROUNDS) return undefined;
    spellings.push(next);
    text = next;
  }
  return spellings.length > 0 ? spellings : [user];
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Replaces the decimal digits of all scripts. Unicode has them in ascending runs of ten (Unicode Standard §4.6). */
function withAsciiDigits(text: string): string {
  return text.replace(/[^\P{Nd}0-9]/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    let zero = code;
    while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String((code - zero) % 10);
  });
}

/** Returns a number as it is dialed: without visual separators (RFC 3966 §5.1.1) and spaces. Other texts stay as they are. */
export function withoutSeparators(user: string): string {
  return /^[+0-9*#\-.() ]+$/.test(user) && /[0-9]/.test(user) ? user.replace(/[-.() ]/g, '') : user;
}
