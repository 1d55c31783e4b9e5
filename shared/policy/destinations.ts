/**
 * Dialing rules: checks SIP URIs against the patterns of {@link Rules}. A URI is compared in the form that a phone network
 * would dial, however it is written: `sip:%2B1-900-555@host` as `+1900555@host`.
 * @module
 */
import { parseSipUri } from '../sip/sip-uri.ts';
import type { Rules } from './policy.ts';

interface Address {
  readonly user: string;
  readonly host: string;
}

type Matcher = (address: Address) => boolean;

/** Returns whether all the rules allow a SIP URI. They never allow one that cannot be parsed. */
export function isDestinationAllowed(text: string, rules: readonly Rules[]): boolean {
  const uri = parseSipUri(text);
  if ('error' in uri) return false;
  const host = normalizeHost(uri.host);
  const addresses = possibleUsers(uri.user ?? '').map((user) => ({ user, host }));
  return rules.map(compileRules).every(({ allow, deny }) => {
    if (addresses.some((address) => matchesAny(deny, address))) return false;
    return allow.length === 0 || addresses.every((address) => matchesAny(allow, address));
  });
}

function matchesAny(patterns: readonly Matcher[], address: Address): boolean {
  return patterns.some((matches) => matches(address));
}

/** Rules seldom change, and a tenant may have thousands of patterns. */
const compiledRules = new WeakMap<
  Rules,
  { readonly allow: readonly Matcher[]; readonly deny: readonly Matcher[] }
>();

function compileRules(rules: Rules) {
  const cached = compiledRules.get(rules);
  if (cached) return cached;
  const compiled = { allow: rules.allow.map(compilePattern), deny: rules.deny.map(compilePattern) };
  compiledRules.set(rules, compiled);
  return compiled;
}

/** User and host are compared separately, so that an escaped `@` in a user part cannot imitate a host. */
function compilePattern(pattern: string): Matcher {
  const at = pattern.lastIndexOf('@');
  if (at < 0) {
    const matches = compileGlob(pattern);
    return ({ user, host }) => matches(`${user}@${host}`);
  }
  const matchesUser = compileGlob(withoutSeparators(pattern.slice(0, at)));
  const matchesHost = compileGlob(normalizeHost(pattern.slice(at + 1).toLowerCase()));
  return ({ user, host }) => matchesUser(user) && matchesHost(host);
}

/**
 * Returns the ways in which the next hops may interpret a user part. They may remove its parameters (RFC 3261 §19.1.6:
 * `+1900;phone-context=…`) before or after they unescape it, which differs if the `;` itself is escaped. Rules apply to each.
 */
function possibleUsers(user: string): string[] {
  const variants = [unescapeUser(withoutParams(user)), withoutParams(unescapeUser(user))];
  return [...new Set(variants.map(withoutSeparators))];
}

function withoutParams(user: string): string {
  const end = user.indexOf(';');
  return end < 0 ? user : user.slice(0, end);
}

/** Unescapes once, as a proxy does. If the bytes are not UTF-8, each becomes a character. */
function unescapeUser(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}

/** Returns a number as it is dialed: without visual separators (RFC 3966 §5.1.1) and spaces. */
function withoutSeparators(user: string): string {
  return /^[+0-9*#\-.() ]+$/.test(user) && /[0-9]/.test(user) ? user.replace(/[-.() ]/g, '') : user;
}

/** Returns a canonical host: without the dot of the root domain, IPv6 addresses without abbreviations. */
function normalizeHost(host: string): string {
  const ipv6 = /^\[([0-9a-f:.]+)\]$/.exec(host)?.[1];
  return ipv6 === undefined ? host.replace(/(?<=.)\.$/, '') : `[${expandIpv6(ipv6)}]`;
}

/** Returns the eight groups of an IPv6 address (RFC 4291 §2.2), without leading zeros. */
function expandIpv6(address: string): string {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const groups = (side = '') => (side === '' ? [] : side.split(':'));
  const [head, tail] = hex.split('::');
  const missing = Math.max(0, 8 - groups(head).length - groups(tail).length);
  const all = hex.includes('::')
    ? [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)]
    : groups(hex);
  return all.map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}

/**
 * Compiles a pattern in which `*` matches any characters. Each piece between two stars is matched where it first occurs.
 * There is no backtracking, so the time is proportional to the length of the text, whatever the pattern.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const pieces = pattern.split('*');
  const [first = ''] = pieces;
  if (pieces.length === 1) return (text) => text === first;
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let position = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, position);
      if (found < 0 || found + piece.length > end) return false;
      position = found + piece.length;
    }
    return true;
  };
}
