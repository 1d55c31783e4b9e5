/**
 * SIP URIs: the grammar of RFC 3261 §25.1, held strictly because what passes here is written into SIP
 * headers, and their comparison as §19.1.4 says.
 * @module
 */

/** A URI taken apart. Nothing is unescaped. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Lower case: hosts are compared so. */
  readonly host: string;
  readonly port: number | undefined;
  /** Names in lower case; a parameter without a value has `''`. */
  readonly params: ReadonlyMap<string, string>;
}

/** Longest URI taken, in characters; a Request-URI of a phone is well under it. */
export const MAX_URI_LENGTH = 512;

const unreserved = "[A-Za-z0-9\\-_.!~*'()]";
/** Control characters are refused even escaped: a proxy that unescapes them would write them into a header. */
const escaped = '%(?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f])';
const user = `(?:${unreserved}|${escaped}|[&=+$,;?/])+`;
const password = `(?:${unreserved}|${escaped}|[&=+$,])*`;
const label = '[A-Za-z0-9](?:[A-Za-z0-9\\-]*[A-Za-z0-9])?';
const topLabel = '[A-Za-z](?:[A-Za-z0-9\\-]*[A-Za-z0-9])?';
const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const ipv4 = `${octet}(?:\\.${octet}){3}`;
/** The shape only; {@link isIpv6} decides. */
const ipv6 = '\\[[0-9A-Fa-f:.]{2,45}\\]';
const host = `(?:(?:${label}\\.)*${topLabel}\\.?|${ipv4}|${ipv6})`;
const paramChar = `(?:${unreserved}|${escaped}|[\\[\\]/:&+$])`;
const param = `${paramChar}+(?:=${paramChar}+)?`;

const URI = new RegExp(
  `^(sips?):(?:(${user})(?::(${password}))?@)?(${host})(?::([0-9]{1,5}))?((?:;${param})*)$`,
  'i',
);

/**
 * Refused although the grammar has them: `method` and `maddr` decide where and how a request goes, which is the
 * routing script's to say. Headers (`?…`) do not parse at all.
 */
const REFUSED_PARAMS = ['method', 'maddr'];

/** Takes a URI apart, or says in a few words why it is none that may be dialled. */
export function parseSipUri(text: string): SipUri | { readonly refused: string } {
  if (text.length > MAX_URI_LENGTH) return { refused: `longer than ${MAX_URI_LENGTH} characters` };
  const match = URI.exec(text);
  if (!match) return { refused: 'not a SIP URI (RFC 3261 §19.1), such as sip:alice@example.com' };
  const [, scheme, userPart, passwordPart, hostPart = '', portPart, paramPart = ''] = match;
  if (hostPart.startsWith('[') && !isIpv6(hostPart.slice(1, -1))) return { refused: 'not an IPv6 address' };
  const port = portPart === undefined ? undefined : Number(portPart);
  if (port !== undefined && (port < 1 || port > 65_535)) return { refused: 'the port is out of range' };
  const params = new Map<string, string>();
  for (const each of paramPart.split(';').slice(1)) {
    const [name = '', value = ''] = each.split('=', 2);
    const key = name.toLowerCase();
    if (params.has(key)) return { refused: `the parameter ${key} stands twice` };
    if (REFUSED_PARAMS.includes(key)) return { refused: `the parameter ${key} is not taken` };
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

/** Is it a URI that may be dialled? */
export function isSipUri(text: string): boolean {
  return !('refused' in parseSipUri(text));
}

/** Parameters that must stand in both URIs or in neither: §19.1.4 and, for `transport`, its examples. */
const SIGNIFICANT_PARAMS = ['user', 'ttl', 'method', 'maddr', 'transport'];

/** Are the two the same address by RFC 3261 §19.1.4? Two texts that are no URIs never are. */
export function sameSipUri(one: string, other: string): boolean {
  const a = parseSipUri(one);
  const b = parseSipUri(other);
  if ('refused' in a || 'refused' in b) return false;
  if (a.scheme !== b.scheme || a.host !== b.host || a.port !== b.port) return false;
  if (normalised(a.user) !== normalised(b.user) || normalised(a.password) !== normalised(b.password))
    return false;
  for (const name of new Set([...a.params.keys(), ...b.params.keys()])) {
    const mine = a.params.get(name);
    const theirs = b.params.get(name);
    if (mine === undefined || theirs === undefined) {
      if (SIGNIFICANT_PARAMS.includes(name)) return false;
    } else if (normalised(mine)?.toLowerCase() !== normalised(theirs)?.toLowerCase()) {
      return false;
    }
  }
  return true;
}

/** An escaped character equals the character itself, unless it is reserved (§19.1.4). */
function normalised(part: string | undefined): string | undefined {
  return part?.replace(/%[0-9A-Fa-f]{2}/g, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return /[A-Za-z0-9\-_.!~*'()]/.test(character) ? character : triplet.toUpperCase();
  });
}

/** RFC 4291 §2.2: eight groups, `::` once at most, an IPv4 tail allowed. */
function isIpv6(text: string): boolean {
  const sides = text.split('::');
  if (sides.length > 2) return false;
  const groups = sides.flatMap((side) => (side === '' ? [] : side.split(':')));
  const last = groups.at(-1);
  const tail = last?.includes('.') ?? false;
  if (tail && !new RegExp(`^${ipv4}$`).test(last ?? '')) return false;
  const plain = tail ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  const size = plain.length + (tail ? 2 : 0);
  return sides.length === 2 ? size < 8 : size === 8;
}
