/** The front while workerd starts, ends, or closes a connection early. A server of this test plays workerd. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request as sendRequest } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { startFront } from './front.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx';
const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket' };

/** Starts a front. `listen` starts what plays workerd, which gets a connection when its first bytes have arrived. */
async function setUp(edge = 50) {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const socketPath = join(folder, 'workerd.sock');
  const front = await startFront({
    port: 0,
    hosts: ['127.0.0.1'],
    socketPath,
    limits: { clients: 100, edge },
  });
  const agent = new Agent({ keepAlive: true });
  let server: Server | undefined;
  onTestFinished(async () => {
    agent.destroy();
    front.close();
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });
  const listen = async (onRequest: (socket: Socket, head: string) => void) => {
    await rm(socketPath, { force: true });
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (head: Buffer) => onRequest(socket, head.toString('latin1')));
    }).listen(socketPath);
    await once(server, 'listening');
  };
  const request = async (method: string, body?: Buffer, headers: Record<string, string> = {}) => {
    const sent = sendRequest({ port: front.port, host: '127.0.0.1', method, headers, agent }).end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };
  return { request, listen, socketPath };
}

it.each([
  ['does not exist', 50],
  ['is that of a process that has ended', 50],
  ['does not exist, and there are places for two only', 2],
])('keeps requests until workerd listens, if its socket %s', async (problem, edge) => {
  const { request, listen, socketPath } = await setUp(edge);
  if (problem.startsWith('is that')) await writeFile(socketPath, '');
  const responses = [
    ...['GET', 'HEAD'].map((method) => request(method)),
    ...['POST', 'PUT'].map((method) => request(method, Buffer.alloc(9))),
  ];
  const upgrade = request('GET', undefined, UPGRADE);
  // By then, those that have a place have been tried and refused.
  await setTimeout(200);
  const seen: string[] = [];
  await listen((socket, head) => {
    seen.push(head.split(' ')[0] ?? '');
    socket.end(OK);
  });
  for (const response of [...responses, upgrade]) expect((await response).status).toBe(200);
  expect(seen.sort()).toEqual(['GET', 'GET', 'HEAD', 'POST', 'PUT']);
});

it('answers with 503 if workerd does not listen in time', async () => {
  const { request } = await setUp();
  const responses = [request('GET'), request('POST', Buffer.alloc(9)), request('GET', undefined, UPGRADE)];
  for (const { status, headers, body } of await Promise.all(responses)) {
    expect([status, headers['retry-after']]).toEqual([503, '5']);
    expect(JSON.parse(body)).toMatchObject({ status: 503 });
  }
});

it('passes on an answer that comes before the body was read', async () => {
  const { request, listen } = await setUp();
  await listen((socket) =>
    socket.end('HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nwhy', () => socket.destroy()),
  );
  for (let n = 0; n < 20; n++) {
    const { status, body } = await request('POST', Buffer.alloc(2_000_000));
    expect([status, body]).toEqual([413, 'why']);
  }
});

it.each<[string, string, Buffer | undefined, Record<string, string>, number]>([
  ['POST', 'POST', Buffer.alloc(9), {}, 1],
  ['DELETE', 'DELETE', undefined, {}, 1],
  ['GET with a body', 'GET', Buffer.alloc(9), { 'Content-Length': '9' }, 1],
  ['GET', 'GET', undefined, {}, 2],
  ['HEAD', 'HEAD', undefined, {}, 2],
  ['an upgrade', 'GET', undefined, UPGRADE, 2],
])('answers with 502 if workerd ends first, and repeats only what changes nothing (%s)', async (...row) => {
  const [, method, body, headers, expected] = row;
  const { request, listen } = await setUp();
  let count = 0;
  await listen((socket) => {
    count += 1;
    socket.destroy();
  });
  expect((await request(method, body, headers)).status).toBe(502);
  expect(count).toBe(expected);
});

it('does not let a response look complete that has broken off', async () => {
  const { request, listen } = await setUp();
  let count = 0;
  await listen((socket) => {
    count += 1;
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1', () => socket.destroy());
  });
  await expect(request('GET')).rejects.toThrow('aborted');
  expect(count).toBe(1);
});
