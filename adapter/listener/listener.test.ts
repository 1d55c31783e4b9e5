/** The listener accepts its edge only, whatever other clients send. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { base64url, SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dialWith, type TokenOptions } from '../testing/fake-dialer.ts';
import { ADAPTER_KEY, createDialHarness, ringingDialog, storedCallids } from '../testing/harness.ts';
import { REFUSALS, type RefusalReason } from './refusal.ts';

/** Starts an adapter that only the test dials. */
async function startListening(timing: { readonly handshakeTimeoutMs?: number } = {}) {
  const harness = await createDialHarness(false);
  const adapter = harness.start({}, { timing });
  const address = await harness.listenAddress();
  const refusalLines = () => harness.log.lines.filter((line) => line.includes('Refused a connection'));

  /** Expects that nothing has reached OpenSIPS or the edge, and that one line says why. */
  const expectRefused = async (reason: RefusalReason) => {
    await harness.log.waitFor(() => refusalLines()[0]);
    expect(refusalLines()).toHaveLength(1);
    expect(JSON.parse(refusalLines()[0] ?? '')).toMatchObject({
      level: 40,
      refused: reason,
      source: '127.0.0.1',
      msg: `Refused a connection. ${REFUSALS[reason]}`,
    });
    expect(harness.opensips.requestsFor('t_uac_dlg')).toEqual([]);
    expect(harness.edge.stored).toEqual([]);
    expect(harness.edge.hellos).toEqual([]);
  };
  return { ...harness, adapter, address, refusalLines, expectRefused };
}

/** Opens a connection, and sends a text. */
async function open(address: string, sent: string): Promise<Socket> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(sent);
  return socket;
}

/** Resolves when a connection is closed, also by a reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().on('close', () => resolve()));
}

const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

describe('the edge', () => {
  it('gets in, and the adapter proves that it has the key', async () => {
    const { dialer, edge, opensips, address } = await startListening();
    const jti = randomBytes(32).toString('base64url');
    const { status, proof, socket } = await dialer.dial(await dialer.signToken({ claims: { jti } }), address);
    expect(status).toBe(101);
    const hash = createHash('sha256').update(ADAPTER_KEY).digest('hex');
    const mac = createHmac('sha256', hash).update(`call-api adapter proof\nhttps://sbc.example\n${jti}`);
    expect(proof).toBe(`demo-adapter.${mac.digest('base64url')}`);
    edge.accept(socket);
    await edge.waitFor(() => edge.hellos[0]);
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('a'));
    edge.sendRequest({ id: 'x', method: 't_uac_dlg' });
    (await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0])).respond('OK');
    await edge.waitFor(() => edge.replies()[0] && storedCallids(edge)[0]);
    expect(edge.replies()).toMatchObject([{ id: 'x', result: 'OK' }]);
  });

  it('may have a clock that is a minute ahead', async () => {
    const { dialer, address } = await startListening();
    const now = Math.floor(Date.now() / 1_000);
    const token = await dialer.signToken({ claims: { iat: now + 55, exp: now + 115 } });
    expect(await dialer.dial(token, address)).toMatchObject({ status: 101 });
  });

  it('replaces its older link once it has welcomed the new one, and not before', async () => {
    const { dialer, edge, opensips, address, log } = await startListening();
    const first = await dialer.dial(undefined, address);
    edge.accept(first.socket);
    await edge.waitFor(() => edge.hellos[0]);
    // Another site may have the same URL by mistake. Its edge rejects the proof.
    const other = await dialer.dial(undefined, address);
    other.socket.close(4401);
    other.socket.resume();
    await log.waitFor(() => log.find('has rejected the adapter key'));
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('over the first'));
    await edge.waitFor(() => storedCallids(edge).length === 1);
    const second = await dialer.dial(undefined, address);
    const firstClosed = once(first.socket, 'close');
    edge.accept(second.socket);
    await firstClosed;
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('over the second'));
    await edge.waitFor(() => storedCallids(edge).length === 2);
    expect(second.socket.readyState).toBe(second.socket.OPEN);
  });
});

describe('a token', () => {
  const now = Math.floor(Date.now() / 1_000);
  it.each<[RefusalReason, string, TokenOptions]>([
    ['signature', 'of another edge', { isForeign: true }],
    ['signature', 'with an unknown key id', { header: { kid: 'k2' } }],
    ['expired', 'that has expired', { claims: { iat: now - 120, exp: now - 60 } }],
    ['future', 'from the future', { claims: { iat: now + 600, exp: now + 660 } }],
    ['malformed', 'that is valid for a year', { claims: { exp: now + 31_536_000 } }],
    ['malformed', 'without an end', { claims: { exp: undefined } }],
    ['malformed', 'without a beginning', { claims: { iat: undefined } }],
    ['malformed', 'without a nonce', { claims: { jti: undefined } }],
    ['malformed', 'with a short nonce', { claims: { jti: 'a' } }],
    ['malformed', 'without a site', { claims: { site: undefined } }],
    ['malformed', 'of another issuer', { claims: { iss: 'other' } }],
    ['malformed', 'of another type', { header: { typ: 'call-api+jwt' } }],
    ['audience', 'for another URL', { claims: { aud: 'https://other.example' } }],
    ['audience', 'for another port', { claims: { aud: 'https://sbc.example:8443' } }],
    ['tenant', 'for another tenant', { claims: { tenant: 'acme' } }],
  ])('is refused (%s) %s', async (reason, _, options) => {
    const { dialer, address, expectRefused } = await startListening();
    const result = await dialer.dial(await dialer.signToken(options), address);
    expect(result).toMatchObject({ status: 401, body: '' });
    await expectRefused(reason);
  });

  it('is refused when it is used again, also after the first link has ended', async () => {
    const { dialer, address, expectRefused } = await startListening();
    const token = await dialer.signToken();
    const first = await dialer.dial(token, address);
    expect(first.status).toBe(101);
    first.socket.terminate();
    expect(await dialer.dial(token, address)).toMatchObject({ status: 401, body: '' });
    await expectRefused('replayed');
  });

  const part = (value: object) => base64url.encode(JSON.stringify(value));
  const claims = { iss: 'call-api', aud: 'https://sbc.example', tenant: 'demo', site: 'main', jti: 'x' };
  it.each<[RefusalReason, string, () => string | Promise<string>]>([
    ['malformed', 'alg none', () => `${part({ alg: 'none', typ: 'call-api-dial+jwt' })}.${part(claims)}.`],
    [
      'malformed',
      'HS256 with the public key id',
      () => new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(Buffer.from('k1')),
    ],
    ['malformed', 'no JWT', () => 'garbage'],
    ['malformed', 'the adapter key', () => 'ca.k.adapter.demo.a.bbbbbbbbbbbbbbbb.c'],
    ['malformed', 'a very long one', () => 'a'.repeat(5_000)],
    ['malformed', 'dots', () => '...'],
    [
      'malformed',
      'an unknown critical header',
      () => `${part({ alg: 'EdDSA', crit: ['x'], x: 1 })}.${part(claims)}.AA`,
    ],
  ])('is refused (%s): %s', async (reason, _, create) => {
    const { address, expectRefused } = await startListening();
    const headers = { authorization: `Bearer ${await create()}` };
    expect(await dialWith(`ws://${address}`, headers)).toMatchObject({ status: 401, body: '' });
    await expectRefused(reason);
  });

  it('is refused while the keys of the edge cannot be read, and taken afterwards', async () => {
    const { dialer, address, expectRefused } = await startListening();
    dialer.jwksStatus = 500;
    // However many attempts there are, the keys are read once a second at most.
    for (let n = 0; n < 20; n += 1)
      expect(await dialer.dial(undefined, address)).toMatchObject({ status: 401 });
    await expectRefused('keys');
    expect(dialer.jwksCount).toBeLessThan(20);
    dialer.jwksStatus = 200;
    await expect.poll(async () => (await dialer.dial(undefined, address)).status).toBe(101);
  });
});

describe('a client that is not the edge', () => {
  it.each<[RefusalReason, string, string, RegExp]>([
    ['no-token', 'a browser', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1.1 426 /],
    [
      'no-token',
      'an upload',
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n${'x'.repeat(9_999)}`,
      /^HTTP\/1.1 426 /,
    ],
    ['no-token', 'a WebSocket without a token', `${UPGRADE}\r\n`, /^HTTP\/1.1 401 /],
    ['no-token', 'another scheme', `${UPGRADE}Authorization: Basic YTpi\r\n\r\n`, /^HTTP\/1.1 401 /],
    [
      'no-token',
      'another protocol',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
      /^HTTP\/1.1 401 /,
    ],
    ['not-http', 'garbage', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', /^$/],
    ['not-http', 'a header without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, /^$/],
  ])('is refused (%s): %s', async (reason, _, sent, answer) => {
    const { address, expectRefused } = await startListening();
    const received = await text(await open(address, sent));
    expect(received).toMatch(answer);
    // No details: neither a body nor the name of the software.
    if (received !== '') expect(received).toMatch(/\r\n\r\n$/);
    expect(received).not.toMatch(/server:|date:|adapter/i);
    await expectRefused(reason);
  });

  it('is disconnected if it is slow, wherever it stops', async () => {
    const { address, expectRefused } = await startListening({ handshakeTimeoutMs: 100 });
    const parts = ['', 'G', 'GET / HTTP/1.1\r\n', `${UPGRADE}Authorization: Bearer `];
    const sockets = await Promise.all(parts.map((part) => open(address, part)));
    const trickle = await open(address, UPGRADE);
    const trickling = setInterval(() => trickle.write('A: b\r\n'), 10);
    onTestFinished(() => clearInterval(trickling));
    await Promise.all([...sockets, trickle].map(closed));
    await expectRefused('too-slow');
  });

  it('cannot keep the edge out with many connections', async () => {
    const { address, dialer, log, expectRefused } = await startListening();
    const sockets: Socket[] = [];
    for (let n = 0; n < 300; n += 1) sockets.push((await open(address, 'GET / HTTP')).resume());
    // 64 from one address.
    await expect.poll(() => sockets.filter(({ destroyed }) => !destroyed).length).toBe(64);
    expect(sockets.slice(-64).every(({ destroyed }) => !destroyed)).toBe(true);
    expect(await dialer.dial(undefined, address)).toMatchObject({ status: 101 });
    await expectRefused('too-many');
    expect(log.lines.length).toBeLessThan(20);
  });

  it('cannot stop the listener, whatever it sends', async () => {
    const { address, dialer, edge, log } = await startListening();
    const noise = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 2_000 }),
      fc.string({ maxLength: 300 }).map((token) => `${UPGRADE}Authorization: Bearer ${token}\r\n\r\n`),
      fc
        .array(fc.base64String({ maxLength: 200 }), { minLength: 3, maxLength: 3 })
        .map((parts) => `${UPGRADE}Authorization: Bearer ${parts.join('.')}\r\n\r\n`),
      fc.json().map((json) => {
        const part = base64url.encode(json);
        return `${UPGRADE}Authorization: Bearer ${part}.${part}.${part}\r\n\r\n`;
      }),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (sent) => {
        const socket = await open(address, sent);
        socket.end();
        expect(await text(socket)).not.toMatch(/^HTTP\/1\.1 (1|2|5)/);
      }),
      { numRuns: 100 },
    );
    expect(edge.hellos).toEqual([]);
    expect(await dialer.dial(undefined, address)).toMatchObject({ status: 101 });
    expect(log.lines.length).toBeLessThan(20);
  });

  it('cannot fill the log or ask the edge for its keys again and again', async () => {
    const { address, dialer, log, expectRefused } = await startListening();
    for (let n = 0; n < 50; n += 1) {
      const token = await dialer.signToken({ header: { kid: `unknown${n}` } });
      expect(await dialer.dial(token, address)).toMatchObject({ status: 401 });
    }
    await expectRefused('signature');
    expect(dialer.jwksCount).toBe(1);
    expect(log.lines.length).toBeLessThan(20);
  });
});

it('ends a socket whose edge does not welcome it', async () => {
  const { dialer, edge, address } = await startListening({ handshakeTimeoutMs: 100 });
  edge.sendsWelcome = false;
  const { socket } = await dialer.dial(undefined, address);
  edge.accept(socket);
  await once(socket, 'close');
  expect(edge.hellos).toHaveLength(1);
});

it('frees the port when it stops, although the edge and others are connected', async () => {
  const { dialer, edge, adapter, address } = await startListening();
  edge.accept((await dialer.dial(undefined, address)).socket);
  await edge.waitFor(() => edge.hellos[0]);
  const strangerClosed = closed(await open(address, ''));
  await adapter.stop();
  await strangerClosed;
  expect(edge.received.at(-1)).toEqual({ type: 'goodbye' });
  await expect(dialer.dial(undefined, address)).rejects.toThrow(/ECONNREFUSED/);
});
