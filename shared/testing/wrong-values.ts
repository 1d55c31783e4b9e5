/** Wrong values for settings, options and arguments, and what no message about them may contain. @module */

/** Texts that are wrong for most settings, options and arguments. */
export const WRONG_VALUES: readonly string[] = [
  '',
  'x',
  'a b',
  '-1',
  '1.5',
  '99999999999999999999',
  'null',
  'constructor',
  '{',
  '[1]',
  'a=b',
  'constructor=1',
  'sip:a b@c',
  'sip:a@b?c',
  'host:99999',
  '0.0.0.0:5061',
  'ftp://host.invalid',
  'ws://#x',
  '/none/none',
  "it's (odd)",
  '\u0007\u001b[2J\u009b',
  'é'.repeat(600),
];

/** The text of zod, commander, OpenSSL and Node, and values that were printed by mistake. */
const LIBRARY_TEXT =
  /Invalid (?:input|option|string|URL|value)|Too small|Too big|expected .* to be|[Rr]eceived|Unrecognized|argument missing|error:|choices are|\bE(?:NOENT|ISDIR|ACCES|INVAL|ADDR\w*|CONN\w*)\b|ENOTFOUND|EAI_|ERR_|at Object\.|at async|\.ts:\d+|node:|\[object|\bNaN\b|ZodError|SyntaxError|TypeError/;

/** A sentence of a message: it begins with a capital letter, with the name of a field, or with a quoted value. */
const SENTENCES = /^(?:[A-Z"]|--?[\w-]+[: ]|[\w.-]+: ).*[.?!]$/s;

/** Returns what an output must not contain; undefined if it contains none of it. */
export function foreignText(output: string, value: string): string | undefined {
  // The value itself may look like the text of a library.
  const text = value.length < 3 ? output : output.replaceAll(JSON.stringify(value).slice(1, -1), '');
  const [found] = LIBRARY_TEXT.exec(text) ?? [];
  if (found !== undefined) return `text of a library: ${found}`;
  if (text.includes('undefined')) return 'an undefined value';
  return /[^\n\t\P{Cc}]/u.test(output) ? 'a control character, which a terminal would execute' : undefined;
}

/** Returns what is wrong with a message about a wrong value: each line must be a sentence. */
export function faultOf(message: string, value: string): string | undefined {
  const lines = message.trimEnd().split('\n');
  const wrong = lines.find((line) => !SENTENCES.test(line) && !line.startsWith('Usage: '));
  return foreignText(message, value) ?? (wrong === undefined ? undefined : `not a sentence: ${wrong}`);
}
