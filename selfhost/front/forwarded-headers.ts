/**
 * Which clients may say for whom they forward a request. The headers of a proxy decide, among others, which web page is the
 * edge's own, so those of anybody else are removed.
 * @module
 */
import { BlockList, isIP } from 'node:net';

/** A proxy on this machine, as docs/operations.md proposes. */
export const DEFAULT_TRUSTED_PROXIES: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** RFC 7239 §4, and the names that proxies used before it and still do. */
const FORWARDED = /^(?:forwarded|x-forwarded-.*|x-real-ip|cf-connecting-ip|true-client-ip)$/i;

/**
 * Returns a function that tells whether an address is that of a proxy.
 * @param proxies IP addresses, or networks in CIDR notation
 */
export function trustedProxies(proxies: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', length] = proxy.split('/');
    const isIpv6 = isIP(address) === 6;
    list.addSubnet(address, Number(length ?? (isIpv6 ? 128 : 32)), isIpv6 ? 'ipv6' : 'ipv4');
  }
  return (address = '') => {
    // As the system names an IPv4 client of a socket that listens on `::`.
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Returns headers, as Node.js lists names and values, without those of a proxy. */
export function withoutForwarded(raw: readonly string[]): string[] {
  return raw.filter((_, index) => !FORWARDED.test(raw[index - (index % 2)] ?? ''));
}
