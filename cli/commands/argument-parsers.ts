/** Reads the values of arguments and options. Each error names the argument or the option, its value and what to write. Pure. @module */
import * as z from 'zod';
import { parseJson, roundedNumber } from '../../shared/protocol/exact-json.ts';
import { alternatives, quote } from '../../shared/settings/quote.ts';
import { CustomHeaders } from '../../shared/sip/sip-text.ts';
import { isSipUri } from '../../shared/sip/sip-uri.ts';
import { EXIT, Failure } from '../exit.ts';

/** Returns a parser of commander that throws a {@link Failure} where the value is not of the type. */
export function parserOf<T>(name: string, type: z.ZodType<T, string>): (text: string) => T {
  return (text) => {
    const parsed = type.safeParse(text);
    if (parsed.success) return parsed.data;
    throw usageFailure(name, text, parsed.error.issues[0]?.message ?? 'is not possible.');
  };
}

/** Returns a parser for an option that may be repeated: it adds a value to those before it. */
export function listParserOf<T>(
  name: string,
  type: z.ZodType<T, string>,
): (text: string, previous?: readonly T[]) => readonly T[] {
  const parse = parserOf(name, type);
  return (text, previous = []) => [...previous, parse(text)];
}

/** A value of a fixed list. */
export const choice = <const T extends string>(kind: string, values: readonly T[]) =>
  z.enum(values, { error: `is not ${kind}. Use ${alternatives(values)}.` });

/**
 * A text that the API accepts, so that a mistake is found before anything is sent.
 * @param schema the schema of the API
 * @param message completes the sentence `--flag: "text" …`
 * @param wrap returns what the schema takes
 */
export const acceptedBy = (
  schema: z.ZodType,
  message: string,
  wrap: (text: string) => unknown = (text) => text,
) => z.string().refine((text) => schema.safeParse(wrap(text)).success, { message });

/** Adds a header as `NAME=VALUE` to those before it. */
export function collectHeader(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name = '', value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (value === undefined)
    throw usageFailure('--header', text, 'is not NAME=VALUE. Write it like X-Ticket=4711.');
  if (!CustomHeaders.safeParse({ [name]: value }).success)
    throw usageFailure(
      '--header',
      text,
      'is not a custom header. Use a name of X- and 1 to 40 letters, digits or hyphens, and a value of at most 256 characters without control characters, backslashes and exclamation marks.',
    );
  const headers = { ...previous, [name]: value };
  if (!CustomHeaders.safeParse(headers).success)
    throw usageFailure('--header', text, 'is one too many. Use at most 10 headers of 3072 bytes, each once.');
  return headers;
}

/** Parses a JSON object; throws a {@link Failure} where the text is none. */
export function parseJsonObject(name: string, json: string, example: string): object {
  let value: unknown;
  try {
    value = parseJson(json);
  } catch {
    value = undefined;
  }
  const rounded = roundedNumber(json);
  if (rounded !== undefined)
    throw usageFailure(
      name,
      json,
      `has the number ${rounded}, which Node.js ${process.versions.node} would round. Use Node.js 22 or later, or send it as a string.`,
    );
  if (typeof value === 'object' && value !== null) return value;
  throw usageFailure(name, json, `is not a JSON object. Write it like '${example}'.`);
}

/** Returns an address as a SIP URI: `alice` needs a domain, `alice@example.com` a scheme. */
export function completeAddress(name: string, address: string, domain: string | undefined): string {
  const isComplete = /^sips?:/i.test(address) || address.includes('@');
  if (!isComplete && domain === undefined)
    throw usageFailure(
      name,
      address,
      'is not a SIP URI. Use sip:user@host, or set --domain (CALL_API_DOMAIN).',
    );
  const uri = /^sips?:/i.test(address) ? address : `sip:${isComplete ? address : `${address}@${domain}`}`;
  if (isSipUri(uri)) return uri;
  throw usageFailure(name, uri, 'is not a SIP URI that can be dialed. Write it like sip:alice@example.com.');
}

/** @param fault completes the sentence `--flag: "text" …` */
function usageFailure(name: string, text: string, fault: string): Failure {
  return new Failure(EXIT.usage, `${name}: ${quote(text)} ${fault}`);
}
