/** `--check` of an adapter that listens names what keeps the edge from reaching it. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ListenSettings, TlsSettings } from '../listener/listener-settings.ts';
import { DIRECT_NETWORK } from '../network/network.ts';
import { CertificateAuthority, HAS_OPENSSL } from '../testing/certificates.ts';
import { checkListener } from './check-listener.ts';
import { LISTENER_STEPS, type StepFinding } from './finding.ts';

const TIMEOUT_MS = 20_000;

/** Starts an HTTP server, and returns its port. */
async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const { publicKey } = await generateKeyPair('EdDSA', { extractable: true });
const JWK = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'EdDSA' };
const JWKS: RequestListener = ({ url }, response) =>
  url === '/.well-known/jwks.json'
    ? response.end(JSON.stringify({ keys: [JWK] }))
    : response.writeHead(404).end();

interface Options {
  readonly edge?: RequestListener;
  readonly host?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly tls?: TlsSettings;
}

/** Runs the check, and returns the finding of each step. */
async function check({ edge = JWKS, host = '127.0.0.1', port, publicUrl, tls }: Options = {}) {
  const listenPort = port ?? (await freePort());
  const listen: ListenSettings = {
    address: { host, port: listenPort },
    publicUrl: publicUrl ?? `http://127.0.0.1:${listenPort}/adapter`,
    key: { id: 'a', tenant: 'acme', secret: 's' },
    tls,
    readTls: () => ({ tls }),
  };
  const link = { edge: `ws://127.0.0.1:${await serve(edge)}/adapter`, key: 'k', network: DIRECT_NETWORK };
  const findings: StepFinding[] = [];
  const isFine = await checkListener(link, listen, TIMEOUT_MS, (finding) => findings.push(finding));
  expect(findings.map(({ step }) => step)).toEqual(LISTENER_STEPS);
  expect(isFine).toBe(findings.every(({ state }) => state !== 'failed'));
  return Object.fromEntries(findings.map((finding) => [finding.step, finding])) as Record<
    (typeof LISTENER_STEPS)[number],
    StepFinding
  >;
}

it('finds no fault if the public URL leads to the listener', async () => {
  const { jwks, cert, listen, public: publicUrl } = await check();
  expect(jwks).toEqual({ step: 'jwks', state: 'passed', says: 'The edge signs with 1 key.' });
  expect(cert.state).toBe('unchecked');
  expect(listen.says).toMatch(/^The adapter can listen at 127\.0\.0\.1:\d+\.$/);
  expect(publicUrl.says).toMatch(/^127\.0\.0\.1:\d+ leads to this listener\.$/);
});

it('does not disturb an adapter that runs', async () => {
  let requests = 0;
  const port = await serve((_, response) => {
    requests += 1;
    response.writeHead(426).end();
  });
  const { listen, public: publicUrl } = await check({ port });
  expect(listen).toMatchObject({ state: 'unchecked', says: expect.stringMatching(/maybe this adapter/) });
  expect(publicUrl).toMatchObject({ state: 'passed' });
  expect(requests).toBe(1);
});

it.each<[string, RequestListener, RegExp, RegExp]>([
  ['an edge without keys', (_, response) => response.end('{"keys":[]}'), /has no keys/, /KEY_SECRETS/],
  ['an old edge', (_, response) => response.writeHead(404).end(), /HTTP 404/, /older release/],
  ['a web page', (_, response) => response.end('<html>'), /is no set of keys/, /--edge/],
  ['another JSON', (_, response) => response.end('{"keys":{}}'), /is no set of keys/, /--edge/],
])('jwks: %s', async (_, edge, says, remedy) => {
  const { jwks } = await check({ edge });
  expect(jwks).toMatchObject({
    state: 'failed',
    says: expect.stringMatching(says),
    remedy: expect.stringMatching(remedy),
  });
  expect(jwks.says).not.toMatch(/undefined|Error|Unexpected/);
});

it('listen: the address is not of this machine', async () => {
  const { listen, public: publicUrl } = await check({ host: '192.0.2.1' });
  expect(listen).toMatchObject({
    state: 'failed',
    says: expect.stringMatching(
      /^Cannot listen at 192\.0\.2\.1:\d+: the address does not belong to this machine\.$/,
    ),
    remedy: expect.stringMatching(/--listen/),
  });
  expect(publicUrl.state).toBe('unchecked');
});

it('public: something else answers', async () => {
  const port = await serve((_, response) => response.end('welcome'));
  const { public: publicUrl } = await check({ publicUrl: `http://127.0.0.1:${port}` });
  expect(publicUrl).toMatchObject({
    state: 'failed',
    says: expect.stringMatching(/not the listener of an adapter: HTTP 200/),
    remedy: expect.stringMatching(/Upgrade header/),
  });
});

it('public: another adapter answers', async () => {
  const port = await serve((_, response) => response.writeHead(426).end());
  const { public: publicUrl } = await check({ publicUrl: `http://127.0.0.1:${port}` });
  expect(publicUrl).toMatchObject({
    state: 'failed',
    says: expect.stringMatching(/^Another adapter answers/),
  });
});

it('public: this machine does not reach it, which is no fault', async () => {
  const { public: publicUrl } = await check({ publicUrl: `http://127.0.0.1:${await freePort()}` });
  expect(publicUrl).toMatchObject({
    state: 'unchecked',
    says: expect.stringMatching(/connection refused.*426/),
  });
});

it('public: the host does not exist', async () => {
  const { public: publicUrl } = await check({ publicUrl: 'https://sbc.invalid/' });
  // Without any network the name server does not answer.
  expect(publicUrl.says).toMatch(/cannot connect to sbc\.invalid: the host name|does not reach sbc\.invalid/);
});

describe.skipIf(!HAS_OPENSSL)('with TLS (needs openssl)', () => {
  let authority: CertificateAuthority;
  beforeAll(() => {
    authority = new CertificateAuthority();
  });
  afterAll(() => authority.remove());

  it.each([
    ['for this host', 'IP:127.0.0.1', 1, 'passed', /127\.0\.0\.1, and valid until .*soon: renew it\.$/],
    ['for another host', 'DNS:sbc.example', 1, 'failed', /not for 127\.0\.0\.1, but for DNS:sbc\.example/],
    ['that has expired', 'IP:127.0.0.1', -1, 'failed', /has expired on/],
  ])('cert: one %s', async (_, altName, days, state, says) => {
    const port = await freePort();
    const tls = { ...authority.issue(altName, days), clientCa: undefined };
    const { cert } = await check({ port, publicUrl: `https://127.0.0.1:${port}`, tls });
    expect(cert).toMatchObject({ state, says: expect.stringMatching(says) });
  });

  it('public: the authority is private, so the edge does not trust it', async () => {
    const port = await freePort();
    const tls = { ...authority.issue('IP:127.0.0.1'), clientCa: undefined };
    const { public: publicUrl } = await check({ port, publicUrl: `https://127.0.0.1:${port}`, tls });
    expect(publicUrl).toMatchObject({
      state: 'failed',
      says: expect.stringMatching(/does not trust/),
      remedy: expect.stringMatching(/public authority/),
    });
  });

  it('public: the certificate of the proxy is for another host', async () => {
    const proxy = createTlsServer(authority.issue('DNS:other.example')).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    onTestFinished(() => void proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const { public: publicUrl } = await check({ publicUrl: `https://127.0.0.1:${port}` });
    expect(publicUrl).toMatchObject({ state: 'failed', says: expect.stringMatching(/certificate/) });
  });

  it('public: client certificates are demanded', async () => {
    const port = await freePort();
    const tls = { ...authority.issue('IP:127.0.0.1'), clientCa: [authority.certificate] };
    const { public: publicUrl } = await check({ port, publicUrl: `https://127.0.0.1:${port}`, tls });
    expect(publicUrl).toMatchObject({ state: 'unchecked', says: expect.stringMatching(/--client-ca/) });
  });
});
