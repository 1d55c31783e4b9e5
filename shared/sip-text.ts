/**
 * Text of clients that is written into the INVITE to the caller's phone: a display name, and headers of their own.
 * Nothing here can end a header line, begin another one, or be read by OpenSIPS as anything but itself.
 * @module
 */
import * as z from 'zod';

/** Longest display name, in characters (Unicode code points). */
export const MAX_DISPLAY = 64;

/** Headers of a client's own: how many, the longest value in characters, and all lines together in bytes. */
export const HEADER_LIMITS = { count: 10, value: 256, bytes: 3_072 } as const;

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, and halves of surrogate pairs, which are no
 * characters and cannot be sent as UTF-8.
 */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * OpenSIPS's `t_uac_dlg` reads the two characters `\r` as a carriage return and `\n` as a line feed before it looks at
 * the headers (`unescape_crlf`, OpenSIPS 3.6.8): with them a value could begin a header of its own. It does so within
 * quoted strings too, and there is no way to write a backslash that it leaves alone.
 */
const BACKSLASH = '\\';

/**
 * `!!` in a header is where `t_uac_dlg` writes its own address (`SUBST_CHAR`). After a single `!` it loses count and
 * cuts the header off, its line end too, so that the next one becomes part of it (seen with OpenSIPS 3.6.8). From and
 * To are spared.
 */
const SUBSTITUTION = '!';

/** The name that the caller's phone shows. */
export const DisplayName = z.string().superRefine((text, context) => {
  const refused = refusalOfText(text, MAX_DISPLAY, [BACKSLASH]) ?? (text === '' ? 'is empty' : undefined);
  if (refused !== undefined) context.addIssue({ code: 'custom', message: refused });
});

/** `X-` headers by their names, in the order of their names, which is the order of their lines. */
export const OwnHeaders = z
  .record(z.string(), z.string())
  .superRefine((headers, context) => {
    const issue = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path });
    const entries = Object.entries(headers);
    if (entries.length > HEADER_LIMITS.count) {
      issue(`at most ${HEADER_LIMITS.count} headers`);
      return;
    }
    const names = new Set<string>();
    for (const [name, value] of entries) {
      const refused = refusalOfName(name, names) ?? refusalOfValue(value);
      if (refused !== undefined) issue(refused, name.slice(0, 64));
      names.add(name.toLowerCase());
    }
    if (utf8Length(headerLines(headers).join('\r\n')) > HEADER_LIMITS.bytes)
      issue(`all together longer than ${HEADER_LIMITS.bytes} bytes`);
  })
  .transform((headers) => Object.fromEntries(Object.entries(headers).sort(byName)));

/** A `quoted-string` of RFC 3261 §25.1: what is quoted stands as it is, but for `"` and `\`. */
export function quotedString(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** One line a header, without line ends. */
export function headerLines(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
}

function refusalOfName(name: string, others: ReadonlySet<string>): string | undefined {
  if (!/^X-[A-Za-z0-9-]{1,40}$/.test(name))
    return 'not the name of a header of your own: X- and 1 to 40 of A-Z a-z 0-9 -';
  // Names are compared without regard to case (RFC 3261 §7.3.1).
  return others.has(name.toLowerCase()) ? 'the header stands twice' : undefined;
}

function refusalOfValue(value: string): string | undefined {
  if (/^ | $/.test(value)) return 'begins or ends with a space, which SIP does not keep';
  return refusalOfText(value, HEADER_LIMITS.value, [BACKSLASH, SUBSTITUTION]);
}

function refusalOfText(text: string, most: number, reserved: readonly string[]): string | undefined {
  // A character is one or two UTF-16 units: what is surely too long is not even counted.
  if (text.length > 2 * most || [...text].length > most) return `longer than ${most} characters`;
  if (UNPRINTABLE.test(text)) return 'has a line end or another control character';
  const found = reserved.find((character) => text.includes(character));
  return found === undefined ? undefined : `has a ${found}, which OpenSIPS would read as a sign of its own`;
}

/** Bytes in UTF-8: RFC 3629 §3. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

function byName([one]: [string, string], [other]: [string, string]): number {
  return one < other ? -1 : 1;
}
