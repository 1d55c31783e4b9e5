/**
 * Client text that is written into the INVITE to the caller's phone: the display name and custom headers. The checks
 * here make sure that no text can end a header line, start another one, or have a special meaning to OpenSIPS.
 * @module
 */
import * as z from 'zod';
import { byteLength } from '../protocol/byte-length.ts';
import { expectations } from '../protocol/validation/expectations.ts';
import { quote } from '../settings/quote.ts';

/** The longest display name, in characters (Unicode code points). */
export const MAX_DISPLAY_NAME_LENGTH = 64;

/** Limits for custom headers: their number, the longest value in characters, and the size of all lines in bytes. */
export const CUSTOM_HEADER_LIMITS = { count: 10, valueLength: 256, totalBytes: 3_072 } as const;

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, and unpaired surrogates, which are not characters
 * and cannot be encoded as UTF-8.
 */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * OpenSIPS's `t_uac_dlg` converts the two characters `\r` to a carriage return and `\n` to a line feed before it parses
 * the headers (`unescape_crlf`, OpenSIPS 3.6.8). A value that contains them could start another header. OpenSIPS does
 * this within quoted strings too, and a backslash cannot be escaped.
 */
const BACKSLASH = '\\';

/**
 * `t_uac_dlg` replaces `!!` in a header with its own address (`SUBST_CHAR`). After a single `!` it miscounts and cuts
 * off the end of the header with its line end, so that the next header becomes part of it (seen with OpenSIPS 3.6.8).
 * From and To are not affected.
 */
const SUBSTITUTION = '!';

/** The name that the caller's phone displays. */
export const DisplayName = z
  .string()
  .superRefine((text, context) => {
    const error =
      textError(text, MAX_DISPLAY_NAME_LENGTH, [BACKSLASH]) ??
      (text === '' ? 'is empty. Leave it out, or use a name.' : undefined);
    if (error !== undefined) context.addIssue({ code: 'custom', message: error });
  })
  .register(expectations, { expected: `a name of 1 to ${MAX_DISPLAY_NAME_LENGTH} characters` });

/** Custom headers (`X-…`) by name. They are sorted by name, and their lines are sent in this order. */
export const CustomHeaders = z
  .record(z.string(), z.string())
  .superRefine((headers, context) => {
    const addIssue = (message: string, ...path: string[]) =>
      context.addIssue({ code: 'custom', message, path });
    const entries = Object.entries(headers);
    if (entries.length > CUSTOM_HEADER_LIMITS.count) {
      addIssue(`has ${entries.length} headers. Use at most ${CUSTOM_HEADER_LIMITS.count}.`);
      return;
    }
    const names = new Set<string>();
    for (const [name, value] of entries) {
      const nameError = headerNameError(name, names);
      const valueError = headerValueError(value);
      if (nameError !== undefined) addIssue(nameError);
      else if (valueError !== undefined) addIssue(valueError, name);
      names.add(name.toLowerCase());
    }
    if (byteLength(headerLines(headers).join('\r\n')) > CUSTOM_HEADER_LIMITS.totalBytes)
      addIssue(
        `has more than ${CUSTOM_HEADER_LIMITS.totalBytes} bytes in total. Use fewer or shorter headers.`,
      );
  })
  .transform((headers) => Object.fromEntries(Object.entries(headers).sort(byName)))
  .register(expectations, { expected: 'an object with headers such as {"X-Ticket":"4711"}' });

/** Returns a text as a `quoted-string` of RFC 3261 §25.1. Only `"` and `\` are escaped. */
export function quotedString(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Returns one line for each header, without line ends. */
export function headerLines(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}

function headerNameError(name: string, otherNames: ReadonlySet<string>): string | undefined {
  if (!/^X-[A-Za-z0-9-]{1,40}$/i.test(name))
    return `has the header ${quote(name)}, which is not allowed. Use names of X- and 1 to 40 letters A-Z a-z, digits or "-".`;
  // Header names are case-insensitive (RFC 3261 §7.3.1).
  return otherNames.has(name.toLowerCase())
    ? `has the header ${quote(name)} twice. Header names are case-insensitive. Remove one of them.`
    : undefined;
}

function headerValueError(value: string): string | undefined {
  if (/^ | $/.test(value))
    return 'begins or ends with a space, which SIP does not preserve. Remove the space.';
  return textError(value, CUSTOM_HEADER_LIMITS.valueLength, [BACKSLASH, SUBSTITUTION]);
}

function textError(text: string, maxLength: number, reserved: readonly string[]): string | undefined {
  // A character is one or two UTF-16 code units, so a text with too many code units need not be counted.
  if (text.length > 2 * maxLength || [...text].length > maxLength)
    return `has more than ${maxLength} characters. Use a shorter text.`;
  if (UNPRINTABLE.test(text)) return 'contains a line break or another control character. Remove it.';
  const reservedCharacter = reserved.find((character) => text.includes(character));
  return reservedCharacter === undefined
    ? undefined
    : `contains ${JSON.stringify(reservedCharacter)}, which has a special meaning for OpenSIPS. Remove it.`;
}

function byName([first]: [string, string], [second]: [string, string]): number {
  return first < second ? -1 : 1;
}
