/**
 * SIP text, as far as the simulator needs it: URIs and header lines (RFC 3261, sections 7.3 and 19.1).
 * @module
 */

/** The user part of a SIP URI, or undefined. */
export function userOf(uri: string): string | undefined {
  return /^sips?:([^@:;>]+)(?::[^@]*)?@/.exec(uri)?.[1];
}

/** The URI in a From, To or Contact header; a display name before it may have `<` in its quotes. */
export function uriIn(header: string): string {
  const address = header.replace(/^\s*"(?:[^"\\]|\\.)*"/, '');
  return /<([^>]*)>/.exec(address)?.[1] ?? address.replace(/;.*$/, '').trim();
}

/** A URI without its parameters. */
export function withoutParameters(uri: string): string {
  return uri.replace(/;.*$/, '');
}

/** Header lines by their names in small letters. */
export type Headers = ReadonlyMap<string, string>;

/** Reads header lines. What is no header line is left out. */
export function parseHeaders(text: string): Headers {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

/** A SIP address as OpenSIPS writes it into a Record-Route: the default port is left out. */
export function withoutDefaultPort(address: string): string {
  return address.replace(/:5060$/, '');
}

/** The host of an address `host:port`. */
export function hostOf(address: string): string {
  return address.replace(/:\d+$/, '');
}

/** A random number of 32 bits. Nobody guards anything with it, and crypto would take most of a fast call's time. */
export function randomNumber(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

/** `digits` random hexadecimal digits. */
export function randomHex(digits: number): string {
  let text = '';
  while (text.length < digits) text += randomNumber().toString(16).padStart(8, '0');
  return text.slice(0, digits);
}
