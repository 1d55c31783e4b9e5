/**
 * SIP text as far as the simulator needs it: URIs and header lines (RFC 3261, sections 7.3 and 19.1).
 * @module
 */

/** Returns the user part of a SIP URI, if it has one. */
export function parseUser(uri: string): string | undefined {
  return /^sips?:([^@:;>]+)(?::[^@]*)?@/.exec(uri)?.[1];
}

/** Returns the URI of a From, To or Contact header, whose quoted display name may contain `<`. */
export function parseHeaderUri(header: string): string {
  const address = header.replace(/^\s*"(?:[^"\\]|\\.)*"/, '');
  return /<([^>]*)>/.exec(address)?.[1] ?? address.replace(/;.*$/, '').trim();
}

/** Returns the value of a URI parameter, if the URI has it. */
export function parseParameter(uri: string, name: string): string | undefined {
  const parameters = uri.replace(/\?.*$/, '').split(';').slice(1);
  return parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
}

export function stripParameters(uri: string): string {
  return uri.replace(/;.*$/, '');
}

/** Header values by lower-case name. */
export type Headers = ReadonlyMap<string, string>;

/** Parses header lines, and ignores lines that are not headers. */
export function parseHeaders(text: string): Headers {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

/** Returns an address as OpenSIPS writes it into a Record-Route: without the default port. */
export function stripDefaultPort(address: string): string {
  return address.replace(/:5060$/, '');
}

/** Returns the host of an address `host:port`. */
export function parseHost(address: string): string {
  return address.replace(/:\d+$/, '');
}

/** Returns a random 32-bit number. No secret depends on it, and crypto would take most of the time of a fast call. */
export function randomUint32(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

/** Returns `digits` random hexadecimal digits. */
export function randomHex(digits: number): string {
  let text = '';
  while (text.length < digits) text += randomUint32().toString(16).padStart(8, '0');
  return text.slice(0, digits);
}
