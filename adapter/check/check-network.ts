/** Checks the way to the server of an edge, before HTTP: DNS, TCP, proxy, TLS. `call-api doctor` uses it, too. @module */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { explainError } from '../../shared/settings/error-reason.ts';
import { type Address, formatAddress } from '../../shared/settings/value-types.ts';
import type { Network } from '../network/network.ts';
import { openTunnel } from '../network/tunnel.ts';
import { failedBecause, passed, type ReportStep, type Step, unchecked } from './finding.ts';

export interface Target {
  readonly url: string;
  /** The setting that has the URL, for remedies: `--edge (EDGE_URL)`. */
  readonly setting: string;
  readonly network: Network;
}

/** Reports each step. Returns whether all have passed, so that HTTP can be tried. */
export async function checkNetwork(target: Target, timeoutMs: number, report: ReportStep): Promise<boolean> {
  const { network } = target;
  const edge = addressOf(new URL(target.url));
  const isProxied = network.proxy !== undefined;
  const nextHop = network.proxy ?? edge;
  const setting = isProxied ? 'HTTPS_PROXY' : target.setting;
  const attempt = async <T>(step: Step, what: string, remedy: string, action: Promise<T>) => {
    try {
      return { value: await action };
    } catch (error) {
      report(failedBecause(step, what, explainError(error), remedy));
      return undefined;
    }
  };

  const who = isProxied ? `the proxy ${nextHop.host}` : nextHop.host;
  const addresses = await attempt(
    'dns',
    `Cannot find ${who}`,
    `Check the host name in ${setting}, and the name server of this machine.`,
    within(timeoutMs, lookup(nextHop.host, { all: true })),
  );
  if (!addresses) return false;
  const list = addresses.value.map(({ address }) => address).join(', ');
  report(
    isIP(nextHop.host) === 0
      ? passed('dns', `${nextHop.host} has the address ${list}.`)
      : unchecked('dns', `Not needed: ${nextHop.host} is an IP address.`),
  );

  const hop = formatAddress(nextHop);
  const tcp = await attempt(
    'tcp',
    `Cannot connect to ${isProxied ? 'the proxy ' : ''}${hop}`,
    isProxied
      ? 'Check HTTPS_PROXY, and that the proxy is running.'
      : `Check the port in ${setting}, and whether a firewall or a proxy is in the way: a company network may need HTTPS_PROXY.`,
    openTcp(nextHop, timeoutMs),
  );
  if (!tcp) return false;
  tcp.value.destroy();
  report(passed('tcp', `${hop} accepts connections.`));

  const tunnel = network.proxy
    ? await attempt(
        'proxy',
        `Cannot connect to ${formatAddress(edge)}`,
        'Check HTTPS_PROXY.',
        openTunnel(network.proxy, edge, { secureContext: network.secureContext, timeoutMs }),
      )
    : undefined;
  if (network.proxy && !tunnel) return false;
  report(
    network.proxy
      ? passed('proxy', `The proxy ${network.proxy.shown} connects to ${formatAddress(edge)}.`)
      : unchecked('proxy', `Not used: ${network.withoutProxyBecause}.`),
  );
  return checkTls(target, edge, tunnel?.value, timeoutMs, report);
}

async function checkTls(
  { url, setting, network: { secureContext } }: Target,
  edge: Address,
  tunnel: Socket | undefined,
  timeoutMs: number,
  report: ReportStep,
): Promise<boolean> {
  if (!/^(wss|https):/i.test(url)) {
    report(unchecked('tls', `Not used: the URL in ${setting} has none.`));
    return true;
  }
  let socket: TLSSocket | undefined;
  try {
    socket = connectTls({
      socket: tunnel ?? (await openTcp(edge, timeoutMs)),
      host: edge.host,
      ...(isIP(edge.host) === 0 ? { servername: edge.host } : {}),
      ...(secureContext ? { secureContext } : {}),
    });
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
    const { valid_to: validTo, issuer } = socket.getPeerCertificate();
    const by = issuer.O ?? issuer.CN ?? 'an unnamed authority';
    report(passed('tls', `${socket.getProtocol()}. The certificate of ${by} is valid until ${validTo}.`));
    return true;
  } catch (error) {
    const remedy = `Check the host and the port in ${setting}.`;
    report(failedBecause('tls', `Cannot use TLS with ${formatAddress(edge)}`, explainError(error), remedy));
    return false;
  } finally {
    socket?.on('error', () => {});
    socket?.destroy();
  }
}

/** Returns a connected socket. */
async function openTcp({ host, port }: Address, timeoutMs: number): Promise<Socket> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
    return socket;
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  }
}

/** Rejects as a request without an answer does. `lookup` takes no signal. */
function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    }),
  ]);
}

function addressOf({ hostname, port, protocol }: URL): Address {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: Number(port) || (/^(wss|https):$/.test(protocol) ? 443 : 80) };
}
