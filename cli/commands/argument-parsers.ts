/** Reads the texts of arguments and options; each error says what to write. Pure. @module */
import { InvalidArgumentError } from 'commander';
import { EXIT, Failure } from '../exit.ts';

export function parseWholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It takes a whole number.');
}

/** Adds the value of an option that may be repeated to those before it. */
export function collect(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, text];
}

/** Adds a header as `NAME=VALUE` to those before it. */
export function collectHeader(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { ...previous, [name]: value };
  throw new InvalidArgumentError('It takes NAME=VALUE, such as X-Ticket=4711.');
}

/** Returns a JSON object; throws a {@link Failure} where the text is none. */
export function parseJsonObject(json: string): object {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null) return value;
  throw new Failure(EXIT.usage, `${json} is no object of JSON; write it like '{"callid":"5c25…"}'`);
}

/** Returns an address as a SIP URI: `alice` needs a domain, `alice@example.com` a scheme. */
export function completeAddress(address: string, domain: string | undefined): string {
  if (/^sips?:/i.test(address)) return address;
  if (address.includes('@')) return `sip:${address}`;
  if (domain !== undefined) return `sip:${address}@${domain}`;
  throw new Failure(
    EXIT.usage,
    `"${address}" is no SIP address; write it like sip:${address}@example.com, or give --domain (CALL_API_DOMAIN)`,
  );
}
