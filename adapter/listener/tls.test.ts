/** The listener with TLS of its own: which clients it accepts, and what the log says of the others. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { CertificateAuthority, HAS_OPENSSL, type Identity } from '../testing/certificates.ts';
import { PUBLIC_URL } from '../testing/fake-dialer.ts';
import { ADAPTER_KEY, createDialHarness } from '../testing/harness.ts';

describe.skipIf(!HAS_OPENSSL)('TLS (needs openssl)', () => {
  let authority: CertificateAuthority;
  let stranger: CertificateAuthority;
  beforeAll(() => {
    authority = new CertificateAuthority();
    stranger = new CertificateAuthority();
  });
  afterAll(() => {
    authority.remove();
    stranger.remove();
  });

  async function startListening(isMutual = false, handshakeTimeoutMs = 10_000) {
    const harness = await createDialHarness(false);
    const identity = authority.issue('IP:127.0.0.1');
    const listen = {
      address: { host: '127.0.0.1', port: 0 },
      publicUrl: PUBLIC_URL,
      key: { id: 'demo-adapter', tenant: 'demo', secret: ADAPTER_KEY },
      tls: { ...identity, clientCa: isMutual ? [authority.certificate] : undefined },
    };
    harness.start({ listen }, { timing: { handshakeTimeoutMs } });
    const address = await harness.listenAddress();
    /** Dials, and waits for `hello`. Rejects if that fails. */
    const dial = async (client?: Identity) => {
      const socket = new WebSocket(`wss://${address}/adapter`, {
        headers: { authorization: `Bearer ${await harness.dialer.signToken()}` },
        ca: authority.certificate,
        ...client,
      });
      onTestFinished(() => socket.terminate());
      const [hello] = await once(socket, 'message');
      return JSON.parse(String(hello)) as unknown;
    };
    return { ...harness, address, dial };
  }

  it('lets the edge in', async () => {
    const { dial } = await startListening();
    expect(await dial()).toMatchObject({ type: 'hello' });
  });

  it('with --client-ca lets an edge in that has a certificate of this authority', async () => {
    const { dial } = await startListening(true);
    expect(await dial(authority.issue('DNS:edge'))).toMatchObject({ type: 'hello' });
  });

  it('with --client-ca accepts no client without a certificate', async () => {
    const { dial, log } = await startListening(true);
    await expect(dial()).rejects.toThrow();
    await log.waitFor(() => log.find('has shown no certificate, which --client-ca demands'));
  });

  it('with --client-ca accepts no certificate of another authority', async () => {
    const { dial, log } = await startListening(true);
    await expect(dial(stranger.issue('DNS:edge'))).rejects.toThrow();
    await log.waitFor(() => log.find('"refused":"not-tls"'));
    expect(log.find('is not of an authority in --client-ca')).toBeDefined();
  });

  it('is not disturbed by a client without TLS, or one that stops in the handshake', async () => {
    const { dial, log, address } = await startListening(false, 500);
    await expect(fetch(`http://${address}/`)).rejects.toThrow();
    await log.waitFor(() => log.find('"refused":"not-tls"'));
    const [host, port] = address.split(':');
    const silent = connect(Number(port), host);
    silent.on('error', () => {});
    await new Promise((resolve) => silent.resume().on('close', resolve));
    const idle = connectTls({ host, port: Number(port), ca: authority.certificate });
    idle.on('error', () => {});
    await once(idle, 'secureConnect');
    await new Promise((resolve) => idle.resume().on('close', resolve));
    expect(log.find('"refused":"too-slow"')).toBeDefined();
    expect(await dial()).toMatchObject({ type: 'hello' });
  });
});
