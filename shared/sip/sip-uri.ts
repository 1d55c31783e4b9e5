/**
 * Parses and compares SIP URIs. The grammar of RFC 3261 §25.1 is applied strictly, because an accepted URI is written
 * into SIP headers. URIs are compared by the rules of §19.1.4.
 * @module
 */

import { quote } from '../settings/quote.ts';
import { normalizeHost } from './host.ts';

/** The parts of a SIP URI. Nothing is unescaped. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** In lower case, because hosts are compared without regard to case. */
  readonly host: string;
  readonly port: number | undefined;
  /** By name in lower case. A parameter without a value has `''`. */
  readonly params: ReadonlyMap<string, string>;
}

/** The longest accepted URI, in characters. The Request-URI of a phone is well below this. */
export const MAX_URI_LENGTH = 512;

const unreserved = "[A-Za-z0-9\\-_.!~*'()]";
/** Control characters are rejected even if escaped: a proxy that unescapes them would write them into a header. */
const escaped = '%(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f])';
const user = `(?:${unreserved}|${escaped}|[&=+$,;?/])+`;
const password = `(?:${unreserved}|${escaped}|[&=+$,])*`;
// RFC 3261 has no `_` in host names, but DNS has it, and the names of containers do: `open_sips`.
const label = '[A-Za-z0-9_](?:[A-Za-z0-9_\\-]*[A-Za-z0-9_])?';
const topLabel = '[A-Za-z_](?:[A-Za-z0-9_\\-]*[A-Za-z0-9_])?';
const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const ipv4 = `${octet}(?:\\.${octet}){3}`;
/** The shape only. {@link isIpv6} checks the address. */
const ipv6 = '\\[[0-9A-Fa-f:.]{2,45}\\]';
const host = `(?:(?:${label}\\.)*${topLabel}\\.?|${ipv4}|${ipv6})`;
const paramChar = `(?:${unreserved}|${escaped}|[\\[\\]/:&+$])`;
const uriParam = `${paramChar}+(?:=${paramChar}+)?`;

const URI = new RegExp(
  `^(sips?):(?:(${user})(?::(${password}))?@)?(${host})(?::([0-9]{1,5}))?((?:;${uriParam})*)$`,
  'i',
);

/**
 * Parameters that are rejected although the grammar allows them. `method` and `maddr` decide where and how a request is
 * sent, and that is up to the routing script. Headers (`?…`) are not part of the grammar above.
 */
const REJECTED_PARAMS = ['method', 'maddr'];

/** Returns the parts of a URI, or why it cannot be dialed: what completes a sentence that begins with the URI. */
export function parseSipUri(text: string): SipUri | { readonly error: string } {
  if (text.length > MAX_URI_LENGTH)
    return { error: `has more than ${MAX_URI_LENGTH} characters. Use a shorter SIP URI.` };
  const match = URI.exec(text);
  if (!match) return { error: 'is not a SIP URI. Use one such as sip:alice@example.com.' };
  const [, scheme, userPart, passwordPart, hostPart = '', portPart, paramPart = ''] = match;
  if (hostPart.startsWith('[') && !isIpv6(hostPart.slice(1, -1)))
    return { error: 'does not have a valid IPv6 address in its brackets. Correct the address.' };
  const port = portPart === undefined ? undefined : Number(portPart);
  if (port !== undefined && (port < 1 || port > 65_535))
    return { error: 'has a port that is out of range. Use a port from 1 to 65535.' };
  const params = new Map<string, string>();
  for (const param of paramPart.split(';').slice(1)) {
    const [name = '', value = ''] = param.split('=', 2);
    const key = name.toLowerCase();
    if (params.has(key)) return { error: `has the parameter ${quote(key)} twice. Remove one of them.` };
    if (REJECTED_PARAMS.includes(key))
      return { error: `has the parameter ${quote(key)}, which is not allowed. Remove it.` };
    params.set(key, value);
  }
  return {
    scheme: scheme?.toLowerCase() === 'sips' ? 'sips' : 'sip',
    user: userPart,
    password: passwordPart,
    host: hostPart.toLowerCase(),
    port,
    params,
  };
}

/** Returns whether a text is a SIP URI that can be dialed. */
export function isSipUri(text: string): boolean {
  return !('error' in parseSipUri(text));
}

/** Parameters that two equal URIs have both or neither: §19.1.4 and, for `transport`, its examples. */
const SIGNIFICANT_PARAMS = ['user', 'ttl', 'method', 'maddr', 'transport'];

/** Returns whether two URIs are equal by RFC 3261 §19.1.4, and hosts in all their spellings. Texts that are not valid URIs are never equal. */
export function areSipUrisEqual(first: string, second: string): boolean {
  const a = parseSipUri(first);
  const b = parseSipUri(second);
  if ('error' in a || 'error' in b) return false;
  if (a.scheme !== b.scheme || normalizeHost(a.host) !== normalizeHost(b.host) || a.port !== b.port)
    return false;
  if (
    normalizeEscapes(a.user) !== normalizeEscapes(b.user) ||
    normalizeEscapes(a.password) !== normalizeEscapes(b.password)
  )
    return false;
  for (const name of new Set([...a.params.keys(), ...b.params.keys()])) {
    const valueInA = a.params.get(name);
    const valueInB = b.params.get(name);
    if (valueInA === undefined || valueInB === undefined) {
      if (SIGNIFICANT_PARAMS.includes(name)) return false;
    } else if (normalizeEscapes(valueInA)?.toLowerCase() !== normalizeEscapes(valueInB)?.toLowerCase()) {
      return false;
    }
  }
  return true;
}

/** Unescapes the characters that equal their escaped form: all but the reserved ones (§19.1.4). */
function normalizeEscapes(part: string | undefined): string | undefined {
  return part?.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return /[A-Za-z0-9\-_.!~*'()]/.test(character) ? character : triplet.toUpperCase();
  });
}

/** Returns whether a text is an IPv6 address (RFC 4291 §2.2): eight groups, at most one `::`, an IPv4 tail allowed. */
function isIpv6(text: string): boolean {
  const sides = text.split('::');
  if (sides.length > 2) return false;
  const groups = sides.flatMap((side) => (side === '' ? [] : side.split(':')));
  const last = groups.at(-1);
  const hasIpv4Tail = last?.includes('.') ?? false;
  if (hasIpv4Tail && !new RegExp(`^${ipv4}$`).test(last ?? '')) return false;
  const hexGroups = hasIpv4Tail ? groups.slice(0, -1) : groups;
  if (!hexGroups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  const size = hexGroups.length + (hasIpv4Tail ? 2 : 0);
  return sides.length === 2 ? size < 8 : size === 8;
}
