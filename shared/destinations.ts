/**
 * Where calls may go: a URI against the patterns of {@link Rules}. What is compared is what a phone network would
 * dial, however it is written: `sip:%2B1-900-555@host` is `+1900555@host`.
 * @module
 */
import type { Rules } from './policy.ts';
import { parseSipUri } from './sip-uri.ts';

/** Do all of these let the URI pass? One that cannot be parsed never passes. */
export function mayDial(text: string, rules: readonly Rules[]): boolean {
  const uri = parseSipUri(text);
  if ('refused' in uri) return false;
  const host = sameHost(uri.host);
  const addresses = readings(uri.user ?? '').map((user) => ({ user, host }));
  return rules.map(compiled).every(({ allow, deny }) => {
    const matches = (patterns: readonly Matcher[], address: Address) =>
      patterns.some((pattern) => pattern(address));
    if (addresses.some((address) => matches(deny, address))) return false;
    return allow.length === 0 || addresses.every((address) => matches(allow, address));
  });
}

interface Address {
  readonly user: string;
  readonly host: string;
}

type Matcher = (address: Address) => boolean;

/** Rules come as JSON and change seldom; a tenant may have thousands of patterns. */
const cache = new WeakMap<Rules, { readonly allow: readonly Matcher[]; readonly deny: readonly Matcher[] }>();

function compiled(rules: Rules) {
  const known = cache.get(rules);
  if (known) return known;
  const made = { allow: rules.allow.map(matcher), deny: rules.deny.map(matcher) };
  cache.set(rules, made);
  return made;
}

/** Parts are compared each with its own, so that an escaped `@` in a user part cannot pass for the host's. */
function matcher(pattern: string): Matcher {
  const at = pattern.lastIndexOf('@');
  if (at < 0) {
    const whole = glob(pattern);
    return ({ user, host }) => whole(`${user}@${host}`);
  }
  const ofUser = glob(withoutSeparators(pattern.slice(0, at)));
  const ofHost = glob(sameHost(pattern.slice(at + 1).toLowerCase()));
  return ({ user, host }) => ofUser(user) && ofHost(host);
}

/**
 * How a user part may be read by those behind us: parameters in it (RFC 3261 §19.1.6: `+1900;phone-context=…`) are cut
 * off before or after it is unescaped, which differs where the `;` itself is escaped. A rule holds for each.
 */
function readings(user: string): string[] {
  const both = [unescaped(withoutParams(user)), withoutParams(unescaped(user))];
  return [...new Set(both.map(withoutSeparators))];
}

function withoutParams(user: string): string {
  const end = user.indexOf(';');
  return end < 0 ? user : user.slice(0, end);
}

/** Once only, as a proxy does. What is no UTF-8 is taken byte by byte. */
function unescaped(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}

/** A number as it is dialled: visual separators (RFC 3966 §5.1.1), and spaces, are for the eye. */
function withoutSeparators(user: string): string {
  return /^[+0-9*#\-.() ]+$/.test(user) && /[0-9]/.test(user) ? user.replace(/[-.() ]/g, '') : user;
}

/** One spelling for each host: without the root's dot, IPv6 addresses written out. */
function sameHost(host: string): string {
  const ipv6 = /^\[([0-9a-f:.]+)\]$/.exec(host)?.[1];
  return ipv6 === undefined ? host.replace(/(?<=.)\.$/, '') : `[${writtenOut(ipv6)}]`;
}

/** RFC 4291 §2.2: eight groups without leading zeros; `::` stands for those that are missing. */
function writtenOut(address: string): string {
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
 * `*` is any run of characters. Each piece between two stars is taken where it first occurs: nothing is tried twice,
 * so it takes time in proportion to the text, whatever the pattern.
 */
export function glob(pattern: string): (text: string) => boolean {
  const pieces = pattern.split('*');
  const [first = ''] = pieces;
  if (pieces.length === 1) return (text) => text === first;
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}
