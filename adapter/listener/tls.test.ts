/** The listener with TLS of its own: which clients it accepts, and what the log says of the others. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { CertificateAuthority, HAS_OPENSSL, type Identity } from '../testing/certificates.ts';
import { PUBLIC_URL } from '../testing/fake-dialer.ts';
import { ADAPTER_KEY, createDialHarness } from '../testing/harness.ts';
import type { TlsReading } from './listener-settings.ts';

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
    const tls = { ...identity, clientCa: isMutual ? [authority.certificate] : undefined };
    /** What the files have. */
    const files: { now: TlsReading } = { now: { tls } };
    const listen = {
      address: { host: '127.0.0.1', port: 0 },
      publicUrl: PUBLIC_URL,
      key: { id: 'demo-adapter', tenant: 'demo', secret: ADAPTER_KEY },
      tls,
      readTls: () => files.now,
    };
    const adapter = harness.start({ listen }, { timing: { handshakeTimeoutMs } });
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
    /** Returns the serial number of the certificate that new connections get. */
    const serialNumber = async () => {
      const [host, port] = address.split(':');
      const socket = connectTls({ host, port: Number(port), ca: authority.certificate });
      socket.on('error', () => {});
      onTestFinished(() => void socket.destroy());
      await once(socket, 'secureConnect');
      return socket.getPeerCertificate().serialNumber;
    };
    return { ...harness, adapter, address, dial, files, serialNumber };
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

  it('uses a new certificate for new connections, and keeps the links', async () => {
    const { dialer, edge, address, adapter, files, serialNumber, log } = await startListening();
    const socket = new WebSocket(`wss://${address}/adapter`, {
      headers: { authorization: `Bearer ${await dialer.signToken()}` },
      ca: authority.certificate,
    });
    onTestFinished(() => socket.terminate());
    edge.accept(socket);
    await edge.waitFor(() => edge.hellos[0]);
    const before = await serialNumber();
    const renewed = authority.issue('IP:127.0.0.1');
    files.now = { tls: { ...renewed, clientCa: undefined } };
    expect(await serialNumber()).toBe(before);
    adapter.reloadCertificate();
    const after = await serialNumber();
    expect(after).toBe(new X509Certificate(renewed.cert).serialNumber);
    expect(after).not.toBe(before);
    expect(log.find('Reloaded the certificate')).toBeDefined();
    files.now = { errors: ['--tls-key: cannot read the file "a.pem": it does not exist. Check the path.'] };
    const { length } = log.lines;
    adapter.reloadCertificate();
    expect(await serialNumber()).toBe(after);
    expect(log.lines.slice(length)).toEqual([
      expect.stringMatching(/"level":50.*the one in use stays.*cannot read the file/),
    ]);
    expect(socket.readyState).toBe(WebSocket.OPEN);
    expect(edge.hellos).toHaveLength(1);
  });

  it('keeps out clients without a certificate of the authority after a reload, too', async () => {
    const { adapter, dial } = await startListening(true);
    adapter.reloadCertificate();
    await expect(dial()).rejects.toThrow();
    expect(await dial(authority.issue('DNS:edge'))).toMatchObject({ type: 'hello' });
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
