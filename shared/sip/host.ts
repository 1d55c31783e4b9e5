/** Canonical forms of hosts: two spellings of the same host become the same text. Pure. @module */

/**
 * Returns a canonical host: in lower case, without the dot of the root domain, IPv6 addresses as eight groups without
 * leading zeros (RFC 4291 §2.2), in brackets. What has no canonical form, such as a pattern, keeps its stars.
 */
export function normalizeHost(host: string): string {
  const lower = host.toLowerCase();
  const address = /^\[([0-9a-f:.*]+)\]$/.exec(lower)?.[1];
  if (address === undefined) return lower.replace(/(?<=.)\.$/, '');
  const groups = address.includes('*') ? undefined : parseIpv6(address);
  return `[${groups ? groups.map((group) => group.toString(16)).join(':') : withoutLeadingZeros(address)}]`;
}

function withoutLeadingZeros(address: string): string {
  return address.replace(/(?<![0-9a-f*.])0+(?=[0-9a-f])/g, '');
}

/** Returns the eight groups of an IPv6 address (RFC 4291 §2.2); undefined if the text is none. */
export function parseIpv6(address: string): readonly number[] | undefined {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const sides = hex.split('::');
  const [head = [], tail = []] = sides.map((side) => (side === '' ? [] : side.split(':')));
  const missing = 8 - head.length - tail.length;
  if (sides.length > 2 || missing < 0 || (sides.length === 1 && missing > 0)) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}

/**
 * IPv6 prefixes whose addresses contain an IPv4 address: the groups of the prefix, and the group where the IPv4 address
 * begins. A machine or its network may forward them to it.
 */
const IPV4_IN_IPV6: readonly { readonly prefix: readonly number[]; readonly at: number }[] = [
  // IPv4-compatible (RFC 4291 §2.5.5.1), IPv4-mapped (§2.5.5.2) and IPv4-translated (RFC 2765 §2.1).
  { prefix: [0, 0, 0, 0, 0, 0], at: 6 },
  { prefix: [0, 0, 0, 0, 0, 0xff_ff], at: 6 },
  { prefix: [0, 0, 0, 0, 0xff_ff, 0], at: 6 },
  // NAT64: the well-known prefix (RFC 6052 §2.1), and the local-use one (RFC 8215) as it is used with 96 bits.
  { prefix: [0x64, 0xff_9b, 0, 0, 0, 0], at: 6 },
  { prefix: [0x64, 0xff_9b, 1], at: 6 },
  // 6to4 (RFC 3056 §2).
  { prefix: [0x20_02], at: 1 },
];

/** Returns the IPv4 address that a canonical IPv6 host such as `[0:0:0:0:0:ffff:a00:1]` contains; undefined if none. */
export function embeddedIpv4(host: string): string | undefined {
  const groups = host.startsWith('[') ? parseIpv6(host.slice(1, -1)) : undefined;
  const form = groups && IPV4_IN_IPV6.find(({ prefix }) => prefix.every((group, n) => groups[n] === group));
  if (!groups || !form) return undefined;
  const [high = 0, low = 0] = groups.slice(form.at, form.at + 2);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}
