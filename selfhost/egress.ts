/** Which addresses the edge on this machine may reach: those of webhooks, and of adapters that it dials. Pure. @module */
import type { NetworkInterfaceInfo } from 'node:os';
import { SPECIAL_NETWORKS } from '../shared/policy/special-addresses.ts';

/** The names and addresses of network interfaces, as `os.networkInterfaces` returns them. */
export type NetworkInterfaces = Readonly<
  Record<string, readonly Pick<NetworkInterfaceInfo, 'address'>[] | undefined>
>;

/**
 * Returns a `Network` of workerd (workerd.capnp), which checks the addresses that a name resolves to when it connects. workerd's
 * own `public` lets through what contains an IPv4 address, and the public addresses of this machine itself.
 * @param toPrivate allows all addresses
 */
export function egressNetwork(interfaces: NetworkInterfaces, toPrivate: boolean): string {
  const allow = toPrivate ? ['public', 'private'] : ['public'];
  const deny = toPrivate ? [] : [...SPECIAL_NETWORKS, ...ownNetworks(interfaces)];
  const list = (networks: readonly string[]) => `[${networks.map((network) => `"${network}"`).join(', ')}]`;
  return `(
      allow = ${list(allow)},
      deny = ${list(deny)},
      tlsOptions = (trustBrowserCas = true),
    )`;
}

/** A `Network` of workerd with the loopback addresses only, for adapters on this machine. */
export const LOOPBACK_NETWORK = '(allow = ["127.0.0.0/8", "::1/128"])';

/** Returns the addresses of this machine in CIDR notation. */
function ownNetworks(interfaces: NetworkInterfaces): string[] {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address.replace(/%.*$/, ''))
    .map((address) => `${address}/${address.includes(':') ? 128 : 32}`);
}
