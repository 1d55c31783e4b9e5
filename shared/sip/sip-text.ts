/**
 * Client text that is written into the INVITE to the caller's phone: the display name and custom headers. The checks
 * here make sure that no text can end a header line, start another one, or have a special meaning to OpenSIPS.
 * @module
 */
import * as z from 'zod';

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
export const DisplayName = z.string().superRefine((text, context) => {
  const error =
    textError(text, MAX_DISPLAY_NAME_LENGTH, [BACKSLASH]) ?? (text === '' ? 'is empty' : undefined);
  if (error !== undefined) context.addIssue({ code: 'custom', message: error });
});

/** Custom headers (`X-…`) by name. They are sorted by name, and their lines are sent in this order. */
export const CustomHeaders = z
  .record(z.string(), z.string())
  .superRefine((headers, context) => {
    const addIssue = (message: string, ...path: string[]) =>
      context.addIssue({ code: 'custom', message, path });
    const entries = Object.entries(headers);
    if (entries.length > CUSTOM_HEADER_LIMITS.count) {
      addIssue(`at most ${CUSTOM_HEADER_LIMITS.count} headers`);
      return;
    }
    const names = new Set<string>();
    for (const [name, value] of entries) {
      const error = headerNameError(name, names) ?? headerValueError(value);
      if (error !== undefined) addIssue(error, name.slice(0, 64));
      names.add(name.toLowerCase());
    }
    if (utf8Length(headerLines(headers).join('\r\n')) > CUSTOM_HEADER_LIMITS.totalBytes)
      addIssue(`all together longer than ${CUSTOM_HEADER_LIMITS.totalBytes} bytes`);
  })
  .transform((headers) => Object.fromEntries(Object.entries(headers).sort(byName)));

/** Returns a text as a `quoted-string` of RFC 3261 §25.1. Only `"` and `\` are escaped. */
export function quotedString(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Returns one line for each header, without line ends. */
export function headerLines(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}

function headerNameError(name: string, otherNames: ReadonlySet<string>): string | undefined {
  if (!/^X-[A-Za-z0-9-]{1,40}$/.test(name))
    return 'not the name of a header of your own: X- and 1 to 40 of A-Z a-z 0-9 -';
  // Header names are case-insensitive (RFC 3261 §7.3.1).
  return otherNames.has(name.toLowerCase()) ? 'the header stands twice' : undefined;
}

function headerValueError(value: string): string | undefined {
  if (/^ | $/.test(value)) return 'begins or ends with a space, which SIP does not keep';
  return textError(value, CUSTOM_HEADER_LIMITS.valueLength, [BACKSLASH, SUBSTITUTION]);
}

function textError(text: string, maxLength: number, reserved: readonly string[]): string | undefined {
  // A character is one or two UTF-16 code units, so a text with too many code units need not be counted.
  if (text.length > 2 * maxLength || [...text].length > maxLength)
    return `longer than ${maxLength} characters`;
  if (UNPRINTABLE.test(text)) return 'has a line end or another control character';
  const reservedCharacter = reserved.find((character) => text.includes(character));
  return reservedCharacter === undefined
    ? undefined
    : `has a ${reservedCharacter}, which OpenSIPS would read as a sign of its own`;
}

/** Returns the length of a text in UTF-8 (RFC 3629 §3), in bytes. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

function byName([first]: [string, string], [second]: [string, string]): number {
  return first < second ? -1 : 1;
}
