/**
 * The networks through which the edge dials adapters, and which URLs they may have. On Cloudflare, the platform's own network reaches
 * public addresses only; on bare workerd, `selfhost/workerd.ts` adds bindings that do the same.
 * @module
 */
import { isSpecialHost } from '../../shared/policy/special-addresses.ts';
import { quote } from '../../shared/settings/quote.ts';

/** Optional bindings of the Worker. */
export interface AdapterNetworks {
  /** Shows the client certificate of the edge (mTLS), on Cloudflare. */
  readonly ADAPTER_CERTIFICATE?: Fetcher;
  /** Reaches public addresses only, on bare workerd. */
  readonly ADAPTER_NETWORK?: Fetcher;
  /** Reaches this machine only, on bare workerd, if that is allowed. */
  readonly LOOPBACK_ADAPTERS?: Fetcher;
}

const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Returns why a URL must not be dialed; undefined if it may. What its name resolves to, the network checks when it connects. */
export function unsafeUrlReason(url: string, { LOOPBACK_ADAPTERS }: AdapterNetworks): string | undefined {
  const { hostname, protocol } = new URL(url);
  if (LOOPBACK_ADAPTERS && LOOPBACK_HOSTS.includes(hostname)) return undefined;
  if (isSpecialHost(hostname))
    return `${quote(url)} has an address that is not public. Use the public name of your adapter's listener, proxy or tunnel.`;
  if (protocol !== 'https:')
    return `${quote(url)} is not an https:// URL. Use https://, because the link carries phone numbers.`;
  return undefined;
}

/** Returns what connects to a URL that {@link unsafeUrlReason} allows. */
export function networkFor(url: string, networks: AdapterNetworks): Pick<Fetcher, 'fetch'> {
  const { ADAPTER_CERTIFICATE, ADAPTER_NETWORK, LOOPBACK_ADAPTERS } = networks;
  if (LOOPBACK_ADAPTERS && LOOPBACK_HOSTS.includes(new URL(url).hostname)) return LOOPBACK_ADAPTERS;
  return ADAPTER_CERTIFICATE ?? ADAPTER_NETWORK ?? globalThis;
}
