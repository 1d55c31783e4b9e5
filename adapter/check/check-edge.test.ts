/** `--check` names the step at which the way to the edge ends. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import manifest from '../../package.json' with { type: 'json' };
import { readNetwork } from '../network/network.ts';
import { CertificateAuthority, HAS_OPENSSL, type Identity } from '../testing/certificates.ts';
import { ConnectProxy } from '../testing/connect-proxy.ts';
import { checkEdge } from './check-edge.ts';
import { formatFinding, STEPS, type StepFinding } from './finding.ts';

/** Long enough for a busy machine where something answers. */
const TIMEOUT_MS = 20_000;
/** Where nothing does. */
const SHORT_TIMEOUT_MS = 2_000;
const KEY = 'k3y';

async function listen<S extends NetServer>(server: S): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** What a fake edge does instead of what an edge does. */
interface EdgeBehavior {
  readonly identity?: Identity;
  /** The HTTP status of an upgrade. */
  readonly refuseWith?: number;
  readonly onRequest?: RequestListener;
  readonly onCheck?: (socket: WebSocket) => void;
}

const CHECKED = {
  type: 'checked',
  version: 1,
  versions: { min: 1, max: 1 },
  software: { version: '0.9.0' },
  adapter: 'sbc-1',
};

/** Starts a fake edge, and returns its port. */
function startEdge({ identity, refuseWith, onRequest, onCheck }: EdgeBehavior = {}): Promise<number> {
  const healthz: RequestListener = ({ url }, response) =>
    url === '/healthz'
      ? response.setHeader('Content-Type', 'application/json').end('{"status":"ok","version":"0.9.0"}')
      : response.writeHead(404).end();
  const listener = onRequest ?? healthz;
  const server: Server = identity ? createHttpsServer(identity, listener) : createHttpServer(listener);
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const status = request.url === '/adapter' ? refuseWith : 404;
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('message', (data) => {
        expect(JSON.parse(String(data))).toMatchObject({ type: 'check', version: 1 });
        if (onCheck) onCheck(webSocket);
        else webSocket.send(JSON.stringify(CHECKED));
      });
    });
  });
  return listen(server);
}

interface Options {
  readonly env?: Record<string, string>;
  readonly ca?: string;
  readonly timeoutMs?: number;
}

/** Runs the check and returns all findings. */
async function findingsFor(url: string, { env = {}, ca, timeoutMs = TIMEOUT_MS }: Options = {}) {
  const network = readNetwork(url, { path: ca, name: '--ca' }, env, (path) => readFileSync(path, 'utf8'));
  if ('errors' in network) throw new Error(network.errors.join());
  const findings: StepFinding[] = [];
  const isFine = await checkEdge({ edge: url, key: KEY, network }, timeoutMs, (each) => findings.push(each));
  const failures = findings.filter(({ state }) => state === 'failed');
  expect(isFine).toBe(failures.length === 0);
  // One line for each step, in order, and nothing passes after a failure.
  expect(findings.map(({ step }) => step)).toEqual(STEPS);
  const firstFailure = findings.findIndex(({ state }) => state === 'failed');
  if (firstFailure >= 0)
    for (const { state } of findings.slice(firstFailure + 1)) expect(state).toBe('unchecked');
  return findings;
}

/** Expects that only this step fails, with this reason and remedy. */
async function expectFailure(
  findings: Promise<readonly StepFinding[]>,
  step: StepFinding['step'],
  says: RegExp,
  remedy: RegExp,
): Promise<void> {
  const failures = (await findings).filter(({ state }) => state === 'failed');
  expect(failures).toEqual([
    { step, state: 'failed', says: expect.stringMatching(says), remedy: expect.stringMatching(remedy) },
  ]);
}

describe('without TLS', () => {
  const check = async (behavior: EdgeBehavior, path = '/adapter', timeoutMs = TIMEOUT_MS) =>
    findingsFor(`ws://127.0.0.1:${await startEdge(behavior)}${path}`, { timeoutMs });

  it('finds no fault at an edge', async () => {
    const findings = await check({});
    expect(findings.map(({ step, state }) => `${step} ${state}`)).toEqual([
      'dns unchecked',
      'tcp passed',
      'proxy unchecked',
      'tls unchecked',
      'http passed',
      'path passed',
      'key passed',
      'version passed',
    ]);
    expect(findings.at(-1)?.says).toBe(
      `The edge (0.9.0) and this adapter (${manifest.version}) use version 1 of the link. The adapter sbc-1 is connected.`,
    );
  });

  it('dns: the host does not exist', () =>
    expectFailure(
      findingsFor('wss://edge.invalid/adapter'),
      'dns',
      // Without any network the name server does not answer.
      /^Cannot find edge\.invalid: .*(host name does not exist|name server|no answer)/,
      /EDGE_URL.*name server/,
    ));

  it('tcp: nothing listens', async () => {
    const server = createServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');
    await expectFailure(
      findingsFor(`wss://127.0.0.1:${port}/adapter`),
      'tcp',
      /^Cannot connect to 127\.0\.0\.1:\d+: connection refused\.$/,
      /firewall.*HTTPS_PROXY/,
    );
  });

  it('http: the sign-in page of a network answers', () =>
    expectFailure(
      check({ onRequest: (_, response) => response.setHeader('Content-Type', 'text/html').end('<html>') }),
      'http',
      /is not an edge: HTTP 200, text\/html\.$/,
      /sign-in page.*HTTPS_PROXY/,
    ));

  it('http: it redirects', () =>
    expectFailure(
      check({ onRequest: (_, response) => response.writeHead(302, { Location: 'http://x/' }).end() }),
      'http',
      /redirects to another address/,
      /Use that address/,
    ));

  it('http: the edge is not available', () =>
    expectFailure(
      check({ onRequest: (_, response) => response.writeHead(503).end() }),
      'http',
      /not available \(HTTP 503\)/,
      /log of the edge/,
    ));

  it.each([
    ['closes', 'closed before an answer'],
    ['hangs', 'no answer in time'],
  ])('http: the server %s', async (how, reason) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      if (how === 'closes') socket.once('data', () => socket.destroy());
      onTestFinished(() => void socket.destroy());
    });
    await expectFailure(
      findingsFor(`ws://127.0.0.1:${await listen(server)}/adapter`, { timeoutMs: SHORT_TIMEOUT_MS }),
      'http',
      new RegExp(`does not answer HTTP: .*${reason}`),
      /EDGE_URL|port/,
    );
  });

  it('path: there is nothing', () =>
    expectFailure(
      check({ onRequest: (_, response) => response.writeHead(404).end() }, '/calls/adapter'),
      'path',
      /no adapter endpoint at this URL \(HTTP 404\)\.$/,
      /EDGE_URL/,
    ));

  it('path: a proxy does not forward WebSockets', () =>
    expectFailure(check({ refuseWith: 426 }), 'path', /does not forward WebSockets/, /Upgrade header/));

  it('key: it is wrong', () =>
    expectFailure(check({ refuseWith: 401 }), 'key', /rejected the adapter key \(HTTP 401\)/, /ADAPTER_KEY/));

  it('version: there is none in common', () =>
    expectFailure(
      check({
        onCheck: (socket) =>
          socket.close(4406, 'Link version: adapter 1, edge 2. Update the adapter to 0.9.0.'),
      }),
      'version',
      /no version of the link protocol in common\.$/,
      /Update the adapter to 0\.9\.0\.$/,
    ));

  it('version: the edge does not answer', () =>
    expectFailure(
      check({ onCheck: () => {} }, '/adapter', SHORT_TIMEOUT_MS),
      'version',
      /has not answered in time/,
      /log/,
    ));

  it('version: an edge of 0.2.0 cannot be asked, which is no fault', async () => {
    const findings = await check({ onCheck: (socket) => socket.close(4400, 'type: "check"') });
    expect(findings.at(-1)).toMatchObject({ step: 'version', state: 'unchecked' });
  });
});

describe.skipIf(!HAS_OPENSSL)('with TLS (needs openssl)', () => {
  let authority: CertificateAuthority;
  beforeAll(() => {
    authority = new CertificateAuthority();
  });
  afterAll(() => authority.remove());

  const checkTls = async (identity: Identity, ca: string | undefined) =>
    findingsFor(`wss://127.0.0.1:${await startEdge({ identity })}/adapter`, ca === undefined ? {} : { ca });

  it('finds no fault if the private authority is trusted', async () => {
    const findings = await checkTls(authority.issue('IP:127.0.0.1'), authority.caPath);
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(findings.find(({ step }) => step === 'tls')?.says).toMatch(
      /^TLSv1\.\d\. The certificate of Private Company is valid until /,
    );
  });

  it('tls: the authority is private', () =>
    expectFailure(
      checkTls(authority.issue('IP:127.0.0.1'), undefined),
      'tls',
      /authority that this machine does not trust/,
      /--ca/,
    ));

  it('tls: the certificate is for another host', () =>
    expectFailure(
      checkTls(authority.issue('DNS:other.example'), authority.caPath),
      'tls',
      /for another host name/,
      /host name in the certificate/,
    ));

  it('tls: the certificate has expired', () =>
    expectFailure(
      checkTls(authority.issue('IP:127.0.0.1', -1), authority.caPath),
      'tls',
      /has expired/,
      /Renew/,
    ));

  it('tls: the port has none', async () =>
    expectFailure(
      findingsFor(`wss://127.0.0.1:${await startEdge()}/adapter`),
      'tls',
      /does not answer with TLS/,
      /ws:\/\//,
    ));

  it('tls: nothing answers', async () => {
    const silent = createServer((socket) => void onTestFinished(() => void socket.destroy()));
    const port = await listen(silent);
    const findings = findingsFor(`wss://127.0.0.1:${port}/adapter`, { timeoutMs: SHORT_TIMEOUT_MS });
    await expectFailure(findings, 'tls', /no answer in time/, /port in --edge/);
  });

  /** Checks through a proxy, which alone can resolve the name of the edge. */
  async function checkThroughProxy(change: (proxy: ConnectProxy) => void, user = '', timeoutMs = TIMEOUT_MS) {
    const port = await startEdge({ identity: authority.issue('DNS:edge.invalid') });
    const proxy = await ConnectProxy.start(port);
    onTestFinished(() => proxy.stop());
    change(proxy);
    const env = { HTTPS_PROXY: `http://${user}127.0.0.1:${proxy.port}` };
    return findingsFor('wss://edge.invalid/adapter', { env, ca: authority.caPath, timeoutMs });
  }

  it('finds no fault through a proxy with credentials', async () => {
    const findings = await checkThroughProxy((proxy) => {
      proxy.credentials = 'user:secret';
    }, 'user:secret@');
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([]);
    const says = findings.find(({ step }) => step === 'proxy')?.says;
    expect(says).toMatch(/^The proxy 127\.0\.0\.1:\d+ connects to edge\.invalid:443\.$/);
    expect(findings.map(formatFinding).join('')).not.toContain('secret');
  });

  it.each([
    ['requires credentials', 407, '', /requires a user and a password/, /user:password@host:port/],
    ['rejects the credentials', 407, 'user:secret@', /rejected the user or password/, /Basic/],
    ['refuses', 403, '', /does not allow connections to edge\.invalid:443/, /administrator/],
    ['cannot connect', 502, '', /cannot connect to edge\.invalid:443 \(HTTP 502\)/, /HTTPS_PROXY/],
    ['closes', 'close', '', /connection was closed/, /HTTPS_PROXY/],
    ['hangs', 'hang', '', /no answer in time/, /HTTPS_PROXY/],
  ] as const)('proxy: it %s', (_, behavior, user, says, remedy) =>
    expectFailure(
      checkThroughProxy(
        (proxy) => {
          proxy.behavior = behavior;
        },
        user,
        behavior === 'hang' ? SHORT_TIMEOUT_MS : TIMEOUT_MS,
      ),
      'proxy',
      says,
      remedy,
    ),
  );

  it('tcp: the proxy is not running', async () => {
    const proxy = await ConnectProxy.start(1);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    await proxy.stop();
    await expectFailure(
      findingsFor('wss://edge.invalid/adapter', { env }),
      'tcp',
      /^Cannot connect to the proxy 127\.0\.0\.1:\d+: connection refused/,
      /HTTPS_PROXY/,
    );
  });
});
