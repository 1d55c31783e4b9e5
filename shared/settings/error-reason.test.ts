import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { explainError, reasonOf } from './error-reason.ts';

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Starts a server on a free port of loopback, and returns the port. */
async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Returns the error of a WebSocket that cannot be opened. */
async function webSocketError(url: string): Promise<unknown> {
  const socket = new WebSocket(url, ['call-api.v1'], { handshakeTimeout: 200 });
  const [error] = (await once(socket, 'error')) as [unknown];
  socket.terminate();
  return error;
}

describe('the reason of an error', () => {
  it('is found for files', async () => {
    expect(reasonOf(await rejection(Promise.resolve().then(() => readFileSync('/none/none'))))).toBe(
      'no such file or folder',
    );
    expect(reasonOf(await rejection(Promise.resolve().then(() => readFileSync('/'))))).toMatch(
      /it is a folder/,
    );
    expect(reasonOf(await rejection(Promise.resolve().then(() => readFileSync('\0'))))).toMatch(
      /not a valid path/,
    );
  });

  it('is found for a port that is closed or in use', async () => {
    const server = createServer();
    const port = await listen(server);
    const [error] = await once(createServer().listen(port, '127.0.0.1'), 'error');
    expect(reasonOf(error)).toBe('another program uses the port');
    const [wrongAddress] = await once(createServer().listen(0, '192.0.2.1'), 'error');
    expect(reasonOf(wrongAddress)).toBe('the address does not belong to this machine');
    server.close();
    await once(server, 'close');
    expect(reasonOf(await rejection(fetch(`http://127.0.0.1:${port}`)))).toBe('connection refused');
    expect(reasonOf(await webSocketError(`ws://127.0.0.1:${port}`))).toBe('connection refused');
  });

  it('is found for a host name that does not exist', async () => {
    // Without any network the name server does not answer.
    const reason = /host name does not exist|name server/;
    expect(reasonOf(await rejection(fetch('http://host.invalid')))).toMatch(reason);
    expect(reasonOf(await webSocketError('ws://host.invalid'))).toMatch(reason);
  });

  it('is found for servers that do not answer as expected', async () => {
    const silent = await listen(createServer((socket) => void socket.on('error', () => {})));
    expect(reasonOf(await webSocketError(`ws://127.0.0.1:${silent}`))).toBe('no answer in time');
    const signal = AbortSignal.timeout(50);
    expect(reasonOf(await rejection(fetch(`http://127.0.0.1:${silent}`, { signal })))).toBe(
      'no answer in time',
    );
    const closing = await listen(createServer((socket) => socket.destroy()));
    expect(reasonOf(await webSocketError(`ws://127.0.0.1:${closing}`))).toMatch(/connection was closed/);
    expect(reasonOf(await rejection(fetch(`http://127.0.0.1:${closing}`)))).toMatch(/connection was closed/);
    const ssh = await listen(createServer((socket) => void socket.end('SSH-2.0-OpenSSH\r\n')));
    expect(reasonOf(await webSocketError(`ws://127.0.0.1:${ssh}`))).toMatch(/does not use HTTP/);
    expect(reasonOf(await rejection(fetch(`http://127.0.0.1:${ssh}`)))).toMatch(/does not use HTTP/);
    const plain = await listen(createHttpServer((_, response) => void response.end()));
    expect(explainError(await webSocketError(`wss://127.0.0.1:${plain}`))).toEqual({
      reason: 'it does not answer with TLS',
      remedy: expect.stringContaining('ws://'),
    });
    expect(reasonOf(await rejection(fetch(`https://127.0.0.1:${plain}`)))).toMatch(/TLS/);
    const redirecting = await listen(
      createHttpServer((_, response) => void response.writeHead(302, { Location: '/other' }).end()),
    );
    expect(
      reasonOf(await rejection(fetch(`http://127.0.0.1:${redirecting}`, { redirect: 'error' }))),
    ).toMatch(/redirects/);
    const confused = createHttpServer().on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
    );
    expect(reasonOf(await webSocketError(`ws://127.0.0.1:${await listen(confused)}`))).toMatch(
      /not the expected WebSocket server/,
    );
    expect(reasonOf(await rejection(fetch('http://127.0.0.1:6000')))).toMatch(/port is reserved/);
  });

  it('names an unknown code, and no text of a library', () => {
    const error = (fields: object) => Object.assign(new Error('text of a library'), fields);
    expect(reasonOf(error({ code: 'EWEIRD' }))).toBe('the unexpected error EWEIRD');
    expect(reasonOf(error({ code: 'constructor' }))).toBe('the unexpected error constructor');
    expect(reasonOf(error({}))).toBe('an unexpected error');
    expect(reasonOf('text')).toBe('an unexpected error');
    expect(reasonOf(new TypeError('fetch failed', { cause: error({ code: 'ENETUNREACH' }) }))).toBe(
      'the network cannot be reached',
    );
  });
});

describe.skipIf(spawnSync('openssl', ['version']).error)('a TLS certificate (needs openssl)', () => {
  /** Makes a self-signed certificate, serves it, and returns the error of a client that trusts it or not. */
  async function tlsError(altName: string, isTrusted: boolean, days: number): Promise<unknown> {
    const folder = mkdtempSync(join(tmpdir(), 'call-api-'));
    const fileIn = (name: string) => join(folder, name);
    const [key, request, cert] = [fileIn('key.pem'), fileIn('request.pem'), fileIn('cert.pem')];
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
    const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${altName}`];
    openssl('req', '-new', ...newKey, ...subject, '-out', request);
    const signing = ['-signkey', key, '-days', String(days), '-copy_extensions', 'copy'];
    openssl('x509', '-req', '-in', request, ...signing, '-out', cert);
    const certificate = readFileSync(cert);
    const port = await listen(createHttpsServer({ key: readFileSync(key), cert: certificate }));
    rmSync(folder, { recursive: true });
    const options = { host: '127.0.0.1', port, ...(isTrusted ? { ca: certificate } : {}) };
    const [error] = (await once(connect(options), 'error')) as [unknown];
    return error;
  }

  it.each([
    ['is self-signed', 'IP:127.0.0.1', false, 1, /self-signed/, /NODE_EXTRA_CA_CERTS/],
    ['is for another host', 'DNS:other.example', true, 1, /another host name/, /host name/],
    ['has expired', 'IP:127.0.0.1', true, -1, /has expired/, /Renew/],
  ] as const)('that %s is explained', async (_, altName, isTrusted, days, reason, remedy) => {
    expect(explainError(await tlsError(altName, isTrusted, days))).toEqual({
      reason: expect.stringMatching(reason),
      remedy: expect.stringMatching(remedy),
    });
  });
});
