/** The link through a proxy, and to an edge with the certificate of a private authority. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CertificateAuthority, HAS_OPENSSL } from '../testing/certificates.ts';
import { ConnectProxy } from '../testing/connect-proxy.ts';
import { ADAPTER_KEY, createHarness, ringingDialog, storedCallids } from '../testing/harness.ts';
import { type Network, readNetwork } from './network.ts';

/** It cannot be resolved here: the proxy does that. */
const EDGE = 'wss://edge.invalid/adapter';
const CREDENTIALS = 'us@er:s3cret';

describe.skipIf(!HAS_OPENSSL)('the link (needs openssl)', () => {
  let authority: CertificateAuthority;
  beforeAll(() => {
    authority = new CertificateAuthority();
  });
  afterAll(() => authority.remove());

  /** A harness whose edge has TLS, behind a proxy. */
  async function createCompanyNetwork() {
    const harness = await createHarness();
    const edgePort = Number(new URL(harness.edge.url).port);
    const identity = authority.issue('DNS:edge.invalid,IP:127.0.0.1');
    const tls = createServer(identity, (socket) => {
      const plain = connect(edgePort, '127.0.0.1');
      socket.pipe(plain).pipe(socket);
      for (const each of [socket, plain]) {
        each.on('error', () => {});
        each.on('close', () => (each === socket ? plain : socket).destroy());
      }
    });
    tls.listen(0, '127.0.0.1');
    await once(tls, 'listening');
    onTestFinished(() => void tls.close());
    const { port } = tls.address() as AddressInfo;
    const proxy = await ConnectProxy.start(port);
    onTestFinished(() => proxy.stop());
    const networkWith = (env: Record<string, string>, edge = EDGE): Network => {
      const ca = { path: authority.caPath, name: '--ca' };
      const network = readNetwork(edge, ca, env, (path) => readFileSync(path, 'utf8'));
      if ('errors' in network) throw new Error(network.errors.join());
      return network;
    };
    return { ...harness, proxy, port, networkWith };
  }

  it('goes through the proxy, with its credentials, and the proxy reads neither key nor messages', async () => {
    const { edge, opensips, proxy, start, networkWith } = await createCompanyNetwork();
    proxy.credentials = CREDENTIALS;
    const HTTPS_PROXY = `http://us%40er:s3cret@127.0.0.1:${proxy.port}`;
    start({ edge: EDGE, network: networkWith({ HTTPS_PROXY }) });
    await edge.waitFor(() => edge.hellos[0]);
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('through-the-proxy'));
    await edge.waitFor(() => storedCallids(edge).length > 0);
    expect(proxy.targets).toEqual(['edge.invalid:443']);
    expect(edge.upgradeRequests[0]?.headers.authorization).toBe(`Bearer ${ADAPTER_KEY}`);
    expect(edge.upgradeRequests[0]?.headers['proxy-authorization']).toBeUndefined();
    const readable = proxy.readable.join('');
    expect(readable.length).toBeGreaterThan(0);
    expect(readable).not.toContain('hello');
    expect(readable).not.toContain('Bearer');
  });

  it('goes directly to an edge that NO_PROXY exempts, and trusts the authority of --ca', async () => {
    const { edge, proxy, port, start, networkWith } = await createCompanyNetwork();
    const url = `wss://127.0.0.1:${port}/adapter`;
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.0/8' };
    start({ edge: url, network: networkWith(env, url) });
    await edge.waitFor(() => edge.hellos[0]);
    expect(proxy.targets).toEqual([]);
  });

  it.each([
    ['requires credentials', 407, 'requires a user and a password (HTTP 407)'],
    ['forbids the target', 403, 'does not allow connections to edge.invalid:443 (HTTP 403)'],
    ['cannot reach the target', 502, 'cannot connect to edge.invalid:443 (HTTP 502)'],
    ['closes', 'close', 'does not work: the connection was closed before an answer arrived'],
    ['hangs', 'hang', 'does not work: no answer in time'],
  ] as const)(
    'says that the proxy %s, tries again, and leaves no connection behind',
    async (_, behavior, reason) => {
      const { edge, proxy, log, start, networkWith } = await createCompanyNetwork();
      proxy.behavior = behavior;
      const network = networkWith({ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
      start({ edge: EDGE, network }, { timing: { handshakeTimeoutMs: 300 } });
      await log.waitFor(() => log.find(reason));
      await expect.poll(() => proxy.targets.length).toBeGreaterThan(3);
      // One attempt at most is under way.
      await expect.poll(() => proxy.openCount).toBeLessThan(2);
      proxy.behavior = 'tunnel';
      await edge.waitFor(() => edge.hellos[0]);
      expect(log.lines.join()).not.toContain('s3cret');
    },
  );
});
