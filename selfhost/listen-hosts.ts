/** The addresses that the edge listens on. @module */
import { networkInterfaces } from 'node:os';

const WILDCARDS = ['0.0.0.0', '::'];

/** Returns the loopback addresses of this machine. `localhost` may resolve to `::1`, so that is served too where it exists. */
export function loopbackHosts(): string[] {
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
  return hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
}

/**
 * Returns the addresses to listen on. Loopback is always among them: the adapter and the commands of this machine use it.
 * @param host the address of `--host`
 */
export function listenHosts(host: string | undefined): string[] {
  if (host === undefined) return loopbackHosts();
  return WILDCARDS.includes(host) ? [host] : [...new Set([...loopbackHosts(), host])];
}
