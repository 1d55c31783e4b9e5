/**
 * Dialing rules: checks SIP URIs against the patterns of {@link Rules}, however a number is written. A rule that denies
 * matches if any form of an address matches that a proxy or gateway may dial; a rule that allows matches only what is surely
 * dialed, so no spelling gets in by a form that another device would not see.
 * @module
 */
import { embeddedIpv4, normalizeHost } from '../sip/host.ts';
import { parseSipUri, type SipUri } from '../sip/sip-uri.ts';
import { dialedForms, withoutSeparators } from './dialed-forms.ts';
import type { Rules } from './policy.ts';

interface Address {
  readonly user: string;
  readonly host: string;
}

type Matcher = (address: Address) => boolean;

/**
 * Returns whether all the rules allow a SIP URI. They never allow one that cannot be parsed. One whose dialed number cannot
 * be told is not allowed by rules that deny anything.
 */
export function isDestinationAllowed(text: string, rules: readonly Rules[]): boolean {
  const uri = parseSipUri(text);
  if ('error' in uri) return false;
  const { users, others } = dialedForms(userWithParams(uri));
  const host = normalizeHost(uri.host);
  const dialed = users.map((user) => ({ user, host }));
  return rules.map(compileRules).every(({ allow, deny }) => {
    if (deny.length > 0) {
      if (others === undefined) return false;
      const lower = users.map((user) => user.toLowerCase());
      const addresses = [...new Set([...lower, ...others])].flatMap((user) =>
        [host, embeddedIpv4(host)].flatMap((form) => (form === undefined ? [] : { user, host: form })),
      );
      if (addresses.some((address) => matchesAny(deny, address))) return false;
    }
    return allow.length === 0 || dialed.every((address) => matchesAny(allow, address));
  });
}

/** Parameters that belong to the number are also found behind the host: `sip:555@host;phone-context=+1900;user=phone`. */
function userWithParams({ user = '', params }: SipUri): string {
  const ofNumber = ['phone-context', 'rn'].flatMap((name) => {
    const value = params.get(name);
    return value === undefined ? [] : [`;${name}=${value}`];
  });
  return user + ofNumber.join('');
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
  const compiled = { allow: rules.allow.map(compilePattern), deny: rules.deny.map(compileDenial) };
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
  const matchesHost = compileGlob(normalizeHost(pattern.slice(at + 1)));
  return ({ user, host }) => matchesUser(user) && matchesHost(host);
}

/**
 * A pattern that denies is compared in lower case and in each form that it may have been meant in. A port is not compared, so
 * it is ignored.
 */
function compileDenial(pattern: string): Matcher {
  const lower = unescapePattern(pattern).normalize('NFKC').toLowerCase();
  const withoutPort = lower.replace(/(@\[[^\]]*\]|@[^@:[]*):[0-9*]*$/, '$1');
  const hostStart = Math.max(withoutPort.lastIndexOf('@') + 1, withoutPort.lastIndexOf('['), 0);
  const host = normalizeHost(withoutPort.slice(hostStart));
  const canonical = withoutPort.slice(0, hostStart) + (embeddedIpv4(host) ?? host);
  const variants = new Set([withoutPort, canonical, withoutSeparators(withoutPort)]);
  const matchers = [...variants].map(compilePattern);
  return (address) => matchers.some((matches) => matches(address));
}

/** Unescapes a pattern. An escaped star stays escaped, because it would match everything. */
function unescapePattern(pattern: string): string {
  try {
    return decodeURIComponent(pattern.replace(/%(?![0-9A-Fa-f]{2})|%(?=2[Aa])/g, '%25'));
  } catch {
    return pattern;
  }
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
