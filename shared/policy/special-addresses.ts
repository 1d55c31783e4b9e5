/**
 * Addresses that are not on the public Internet, or through which a machine that is not may be reached. A webhook must not go
 * there. Pure.
 * @module
 */
import { parseIpv6 } from '../sip/host.ts';

/**
 * Networks in CIDR notation: those of the IANA special-purpose registries (RFC 6890) that are not globally reachable, multicast,
 * and the IPv6 networks whose addresses contain an IPv4 address, which a gateway on the way forwards to.
 */
export const SPECIAL_NETWORKS: readonly string[] = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and the metadata of clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '::/96', // unspecified, loopback, IPv4-compatible
  '::ffff:0:0/96', // IPv4-mapped
  '::ffff:0:0:0/96', // IPv4-translated
  '64:ff9b::/96', // NAT64
  '64:ff9b:1::/48', // NAT64 of a local network
  '100::/64', // discarded
  '100:0:0:1::/64', // dummy
  '2001::/23', // Teredo, benchmarks, ORCHID and other protocol assignments
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '3fff::/20', // documentation
  '5f00::/16', // segment routing
  'fc00::/7', // unique local
  'fe80::/10', // link-local
  'fec0::/10', // site-local
  'ff00::/8', // multicast
];

const SPECIAL_PREFIXES = SPECIAL_NETWORKS.map((network) => {
  const [address = '', length] = network.split('/');
  return bitsOf(address).slice(0, familyOf(address).length + Number(length));
});

/**
 * Returns whether the host of a URL is surely not public: an IP address of {@link SPECIAL_NETWORKS}, or `localhost`. Other names
 * are public or not as they resolve when a connection is made.
 * @param hostname as `URL` returns it: IPv4 in four decimal numbers, IPv6 in brackets
 */
export function isSpecialHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  const bits = bitsOf(name.replace(/^\[(.*)\]$/, '$1'));
  return SPECIAL_PREFIXES.some((prefix) => bits.startsWith(prefix));
}

/** Returns the family and the bits of an IP address, such as `v4:00001010…`. Empty if the text is none. */
function bitsOf(address: string): string {
  const family = familyOf(address);
  if (family === 'v4:')
    return (
      family +
      address
        .split('.')
        .map((octet) => Number(octet).toString(2).padStart(8, '0'))
        .join('')
    );
  const groups = family === 'v6:' ? parseIpv6(address) : undefined;
  return groups ? family + groups.map((group) => group.toString(2).padStart(16, '0')).join('') : '';
}

function familyOf(address: string): 'v4:' | 'v6:' | '' {
  if (/^\d+(\.\d+){3}$/.test(address)) return 'v4:';
  return address.includes(':') ? 'v6:' : '';
}
