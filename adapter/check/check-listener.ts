/** `--check` of an adapter that listens: the keys of the edge, its own certificate and address, and the way back to it. @module */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { explainError } from '../../shared/settings/error-reason.ts';
import { formatAddress } from '../../shared/settings/value-types.ts';
import type { LinkSettings } from '../link/link.ts';
import { edgeKeysUrl, readEdgeKeys } from '../listener/edge-keys.ts';
import { createListenerServer, UPGRADE_REQUIRED } from '../listener/listener.ts';
import type { ListenSettings } from '../listener/listener-settings.ts';
import { sendHttpRequest } from '../network/http-request.ts';
import { createAgent } from '../network/network.ts';
import { failed, failedBecause, passed, type ReportStep, type StepFinding, unchecked } from './finding.ts';

const PUBLIC = '--public-url (ADAPTER_PUBLIC_URL)';
const LISTEN = '--listen (ADAPTER_LISTEN)';

/** Authorities renew certificates of 90 days a month before they expire; one that is nearer to its end is about to be forgotten. */
const EXPIRES_SOON_MS = 14 * 86_400_000;

/**
 * Reports a finding for each step. Returns whether none has failed.
 * @param timeoutMs for each step
 */
export async function checkListener(
  link: LinkSettings,
  listen: ListenSettings,
  timeoutMs: number,
  report: ReportStep,
): Promise<boolean> {
  let isFine = true;
  const record: ReportStep = (finding) => {
    if (finding.state === 'failed') isFine = false;
    report(finding);
  };
  record(await checkKeys(link, timeoutMs));
  record(checkCertificate(listen, Date.now()));
  const probe = new ListenerProbe(listen);
  const listening = await probe.listen();
  record(listening);
  record(
    listening.state === 'failed'
      ? unchecked('public', 'Not checked: a step before it has failed.')
      : await checkPublicUrl(link, listen, probe, timeoutMs),
  );
  probe.close();
  return isFine;
}

async function checkKeys({ edge, network }: LinkSettings, timeoutMs: number): Promise<StepFinding> {
  const { href } = edgeKeysUrl(edge);
  let text: string;
  try {
    text = await (await readEdgeKeys(href, network, timeoutMs)).text();
  } catch (error) {
    const what = `Cannot read the keys of the edge at ${href}`;
    return failedBecause('jwks', what, explainError(error), 'Check --edge (EDGE_URL).');
  }
  const count = countKeys(text);
  if (count === undefined)
    return failed('jwks', `What answers at ${href} is no set of keys.`, 'Check --edge (EDGE_URL).');
  if (count === 0)
    return failed(
      'jwks',
      'The edge has no keys to sign with.',
      'Let its administrator set KEY_SECRETS, a secret of the deployment.',
    );
  return passed('jwks', `The edge signs with ${count === 1 ? '1 key' : `${count} keys`}.`);
}

/** Returns the number of keys in a JWKS (RFC 7517); undefined if it is none. */
function countKeys(text: string): number | undefined {
  try {
    const keys = JSON.parse(text) as JSONWebKeySet;
    // Throws for what is no key set.
    createLocalJWKSet(keys);
    return keys.keys.length;
  } catch {
    return undefined;
  }
}

function checkCertificate({ tls, publicUrl }: ListenSettings, now: number): StepFinding {
  if (!tls) return unchecked('cert', 'Not needed: the adapter itself uses no TLS.');
  const { hostname } = new URL(publicUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  const certificate = new X509Certificate(tls.cert);
  const { subjectAltName = 'no host', validFrom, validTo } = certificate;
  const isForHost = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  if (isForHost === undefined)
    return failed(
      'cert',
      `The certificate is not for ${host}, but for ${subjectAltName}.`,
      `Use one for the host in ${PUBLIC}, or write the host of the certificate there.`,
    );
  const clock = 'Renew it, and check the clock of this machine.';
  if (Date.parse(validTo) <= now) return failed('cert', `The certificate has expired on ${validTo}.`, clock);
  if (Date.parse(validFrom) > now)
    return failed('cert', `The certificate is valid from ${validFrom} on.`, clock);
  const soon = Date.parse(validTo) - now < EXPIRES_SOON_MS ? ', which is soon: renew it' : '';
  return passed('cert', `The certificate is for ${host}, and valid until ${validTo}${soon}.`);
}

async function checkPublicUrl(
  { network }: LinkSettings,
  { publicUrl, tls }: ListenSettings,
  probe: ListenerProbe,
  timeoutMs: number,
): Promise<StepFinding> {
  if (tls?.clientCa)
    return unchecked(
      'public',
      'Not checked: it demands a certificate of --client-ca, which only the edge has.',
    );
  const { host } = new URL(publicUrl);
  try {
    // As the edge does: it trusts public authorities only, not those of --ca.
    const agent = createAgent(publicUrl, { ...network, secureContext: undefined }, timeoutMs);
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await sendHttpRequest(publicUrl, { agent, signal });
    await response.body?.cancel();
    if (response.status !== 426)
      return failed(
        'public',
        `What answers at ${host} is not the listener of an adapter: HTTP ${response.status}.`,
        `Check ${PUBLIC}, and that the proxy there passes this URL on to ${LISTEN}, with its Upgrade header.`,
      );
    if (probe.isListening && !probe.wasReached)
      return failed(
        'public',
        `Another adapter answers at ${host}.`,
        `Check ${PUBLIC}, and where the proxy there passes this URL on to.`,
      );
    return passed('public', `${host} leads to ${probe.isListening ? 'this' : 'a'} listener.`);
  } catch (error) {
    const { reason } = explainError(error);
    // A fault of the certificate or the name is one for the edge, too. Others may be those of this machine's own network.
    if (reason.includes('certificate'))
      return failed(
        'public',
        `The edge cannot connect to ${host}: ${reason}.`,
        'Use a certificate of a public authority, for this host. An edge trusts no others.',
      );
    if (reason.includes('host name'))
      return failed('public', `The edge cannot connect to ${host}: ${reason}.`, `Check ${PUBLIC}.`);
    return unchecked(
      'public',
      `Not checked: this machine does not reach ${host}: ${reason}. Others may: there the URL must answer HTTP 426.`,
    );
  }
}

/** Listens in the place of the adapter, and notes whether a request arrives. */
class ListenerProbe {
  readonly #settings: ListenSettings;
  readonly #server: Server;
  #wasReached = false;

  constructor(settings: ListenSettings) {
    this.#settings = settings;
    this.#server = createListenerServer(settings);
    this.#server.on('request', ({ socket }) => {
      this.#wasReached = true;
      socket.end(`${UPGRADE_REQUIRED}Content-Length: 0\r\n\r\n`);
    });
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  get wasReached(): boolean {
    return this.#wasReached;
  }

  async listen(): Promise<StepFinding> {
    const { host, port } = this.#settings.address;
    const address = formatAddress({ host, port });
    this.#server.listen(port, host);
    try {
      await once(this.#server, 'listening');
      return passed('listen', `The adapter can listen at ${address}.`);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
        return unchecked('listen', `Not checked: a program listens at ${address}, maybe this adapter.`);
      const remedy = `Check ${LISTEN}: it must be an address of this machine, and its port may need privileges.`;
      return failedBecause('listen', `Cannot listen at ${address}`, explainError(error), remedy);
    }
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
