/** Which hosts `NO_PROXY` exempts from the proxy. Pure. @module */
import { BlockList, isIP, isIPv6 } from 'node:net';

const ADDRESS_BITS = { ipv4: 32, ipv6: 128 } as const;

/**
 * Returns whether `NO_PROXY` exempts a host. The rules are those of curl (its man page, "NO_PROXY") and undici
 * (`EnvHttpProxyAgent`). No library has both, and none but curl knows networks:
 *
 * - Entries are separated by commas or white space. `*` exempts every host.
 * - A domain exempts itself and its subdomains, with or without a leading `.` or `*.`.
 * - An IP address exempts itself, and a network in CIDR notation (RFC 4632 §3.1) its addresses. Names are not resolved.
 * - An entry with `:port` is for this port only. An IPv6 address with a port stands in brackets.
 *
 * @param hostname of a URL: an IPv6 address may stand in brackets
 */
export function isExempt(noProxy: string, hostname: string, port: number): boolean {
  const host = normalize(hostname);
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry, host, port));
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const [pattern, entryPort] = splitPort(entry);
  if (entryPort !== undefined && entryPort !== port) return false;
  if (isIP(host) !== 0) return isInNetwork(pattern, host);
  const domain = normalize(pattern.replace(/^\*?\./, ''));
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

/** Splits `host:port` and `[ipv6]:port`. An IPv6 address without brackets has no port. */
function splitPort(entry: string): readonly [pattern: string, port: number | undefined] {
  const [, bracketed, name, port] = /^(?:(\[[^\]]*\](?:\/\d+)?)|([^:]*)):(\d+)$/.exec(entry) ?? [];
  const pattern = bracketed ?? name;
  return pattern === undefined ? [entry, undefined] : [pattern, Number(port)];
}

function isInNetwork(pattern: string, address: string): boolean {
  const [network = '', prefix] = pattern.replace(/[[\]]/g, '').split('/');
  if (isIP(network) === 0) return false;
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  const bits = prefix === undefined ? ADDRESS_BITS[family] : Number(prefix);
  if (!Number.isInteger(bits) || bits < 0 || bits > ADDRESS_BITS[family]) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

function normalize(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
