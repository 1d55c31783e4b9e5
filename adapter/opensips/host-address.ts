/** Finds the IP address of OpenSIPS, and where its events can be received. @module */
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Address } from '../settings.ts';
import { findLocalAddress } from './event-socket.ts';

const LOOPBACK_IPV4 = '127.0.0.1';
const LOOPBACK_IPV6 = '::1';

/** Returns an IPv4 address of the host, because events are sent over IPv4 only, or an IPv6 address if it has no other. */
export async function resolveHost(host: string): Promise<string> {
  const addresses = await lookup(host, { all: true });
  const [first] = [...addresses].sort((a, b) => a.family - b.family);
  // The list of a host that exists is never empty.
  return first?.address ?? host;
}

/**
 * Returns the local address for events, with any port. OpenSIPS has no IPv6 in its event_datagram module
 * (`create_socket(AF_INET)` in `event_datagram.c`), so for an IPv6 address the user must name one, unless it is loopback.
 * @param eventsSetting the name of that setting
 */
export async function findEventAddress(miAddress: Address, eventsSetting: string): Promise<Address> {
  if (!isIPv6(miAddress.host)) return { host: await findLocalAddress(miAddress), port: 0 };
  if (miAddress.host === LOOPBACK_IPV6) return { host: LOOPBACK_IPV4, port: 0 };
  throw new UnknownEventAddressError(
    `OpenSIPS sends events over IPv4 only, and its MI address is IPv6. Set ${eventsSetting} to an IPv4 address of this machine that OpenSIPS can reach, such as 10.0.0.5:5061.`,
  );
}

/** The user must name an address for events. The message is a sentence for the user. */
export class UnknownEventAddressError extends Error {}

/**
 * Returns the IPv4 address from which OpenSIPS sends events. With MI at `::1` it is on this machine, where a datagram comes
 * from the address that it is sent to. With another IPv6 address it is undefined: nothing says which IPv4 address belongs to
 * the same OpenSIPS.
 * @param localHost the address on which events are received
 */
export function eventSenderOf(miHost: string, localHost: string): string | undefined {
  if (miHost === LOOPBACK_IPV6) return localHost;
  return isIPv6(miHost) ? undefined : miHost;
}
