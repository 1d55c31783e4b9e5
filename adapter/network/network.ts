/** How an edge is reached: through which proxy, and whose certificates are trusted. @module */
import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type SecureContext } from 'node:tls';
import { readTrustedCertificates } from './certificates.ts';
import { type Environment, type HttpProxy, proxyFor } from './proxy.ts';
import { openTunnel } from './tunnel.ts';

export interface Network {
  readonly proxy: HttpProxy | undefined;
  /** Why there is no proxy, without the final period. */
  readonly withoutProxyBecause: string;
  /** Trusts the authorities of `--ca` as well; undefined: only those that Node.js trusts. */
  readonly secureContext: SecureContext | undefined;
}

/** A network without proxies and private authorities. */
export const DIRECT_NETWORK: Network = {
  proxy: undefined,
  withoutProxyBecause: 'HTTPS_PROXY is not set',
  secureContext: undefined,
};

/** The `--ca` setting: the path, and how the user gave it. */
export interface CaSetting {
  readonly path: string | undefined;
  readonly name: string;
}

/**
 * Reads the proxy from the environment and the certificates from their file.
 * @param url of the edge
 * @param readFile may throw
 */
export function readNetwork(
  url: string,
  ca: CaSetting,
  env: Environment,
  readFile: (path: string) => string,
): Network | { readonly errors: readonly string[] } {
  const reading = proxyFor(new URL(url), env);
  const certificates = ca.path === undefined ? undefined : readTrustedCertificates(ca.path, readFile, env);
  const errors = [
    ...('error' in reading ? [reading.error] : []),
    ...(certificates && 'error' in certificates ? [`${ca.name}: ${certificates.error}`] : []),
  ];
  if ('error' in reading || (certificates && 'error' in certificates)) return { errors };
  return {
    proxy: reading.proxy,
    withoutProxyBecause: 'why' in reading ? reading.why : '',
    secureContext: certificates?.secureContext,
  };
}

/**
 * Returns the agent for requests and WebSockets to an edge; undefined for one without TLS, which needs none.
 * @param timeoutMs for the proxy's answer
 */
export function createAgent(url: string, network: Network, timeoutMs: number): Agent | undefined {
  if (!/^(wss|https):/i.test(url)) return undefined;
  const { proxy, secureContext } = network;
  const options = secureContext ? { secureContext } : {};
  return proxy ? new TunnelAgent(proxy, options, timeoutMs) : new Agent(options);
}

/** Connects through a proxy. TLS begins in the tunnel, so the proxy reads nothing. */
class TunnelAgent extends Agent {
  readonly #proxy: HttpProxy;
  readonly #timeoutMs: number;
  readonly #secureContext: SecureContext | undefined;

  constructor(proxy: HttpProxy, options: { readonly secureContext?: SecureContext }, timeoutMs: number) {
    super(options);
    this.#proxy = proxy;
    this.#secureContext = options.secureContext;
    this.#timeoutMs = timeoutMs;
  }

  override createConnection(
    options: Parameters<Agent['createConnection']>[0],
    callback: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const target = { host: String(options.host), port: Number(options.port) };
    const tunnelOptions = { secureContext: this.#secureContext, timeoutMs: this.#timeoutMs };
    openTunnel(this.#proxy, target, tunnelOptions).then(
      (socket) => callback(null, connect({ ...(options as object), socket })),
      (error: Error) => (callback as (error: Error) => void)(error),
    );
  }
}
