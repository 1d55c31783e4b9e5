/** The front before a server of this test, which plays workerd. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, request as sendRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startFront } from './front.ts';

const MEGABYTE = 1024 * 1024;
const HOST = '127.0.0.1';

/** Starts a front and a server behind it. `opened` receives its WebSockets. */
async function setUp(listener: RequestListener, limits = { clients: 100, edge: 50 }) {
  const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
  const socketPath = join(folder, 'workerd.sock');
  const server = createServer({ highWaterMark: 1024 }, listener);
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered].at(-1) ?? false,
  });
  const opened: WebSocket[] = [];
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    if (request.url === '/refused')
      socket.end('HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 3\r\n\r\nwhy');
    else sockets.handleUpgrade(request, socket, head, (webSocket) => opened.push(webSocket));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  const front = await startFront({ port: 0, hosts: [HOST], socketPath, limits });
  onTestFinished(async () => {
    front.close();
    server.closeAllConnections();
    for (const socket of opened) socket.terminate();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { front, port: front.port, opened };
}

/** Opens a TCP connection and sends bytes on it. `received` returns what has come back. */
async function connectTcp(port: number, bytes = '') {
  const socket = connect({ port, host: HOST, allowHalfOpen: true });
  let received = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  socket.write(bytes);
  const ended = new Promise<void>((resolve) => {
    for (const event of ['end', 'close'] as const) socket.once(event, () => resolve());
  });
  return { socket, received: () => received, ended };
}

const UPGRADE =
  'GET /call-api HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

/** Waits until a paused stream has filled all buffers on its way: as much as it takes, but not all. */
async function untilStuck(bytesSent: () => number, total: number): Promise<void> {
  for (let before = -1; before !== bytesSent() || before === 0; ) {
    before = bytesSent();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect(bytesSent()).toBeLessThan(total);
}

it('passes a request and its response on unchanged', async () => {
  const seen: { raw?: string[]; method?: string | undefined; url?: string | undefined; body?: string } = {};
  const { port } = await setUp(async (request, response) => {
    Object.assign(seen, { raw: request.rawHeaders, method: request.method, url: request.url });
    seen.body = await text(request);
    response.sendDate = false;
    response.writeHead(207, 'Some', ['X-Case', 'a', 'Set-Cookie', 'b=1', 'Set-Cookie', 'c=2']);
    response.end('answer');
  });
  const headers = {
    Host: 'calls.example.com',
    'X-Twice': ['1', '2'],
    'X-Case': 'Ä',
    'CF-Connecting-IP': '::5',
  };
  const request = sendRequest({ port, host: HOST, method: 'PATCH', path: '/a%2Fb?c=d&c', headers });
  request.write('in two ');
  request.end('parts');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(await text(response)).toBe('answer');
  expect(response).toMatchObject({ statusCode: 207, statusMessage: 'Some' });
  expect(response.rawHeaders.slice(0, 6)).toEqual(['X-Case', 'a', 'Set-Cookie', 'b=1', 'Set-Cookie', 'c=2']);
  expect(response.headers.date).toBeUndefined();
  expect(seen).toMatchObject({ method: 'PATCH', url: '/a%2Fb?c=d&c', body: 'in two parts' });
  const raw = seen.raw?.join('\n') ?? '';
  expect(raw).toContain('Host\ncalls.example.com\nX-Twice\n1\nX-Twice\n2\nX-Case\n');
  expect(raw).toContain('CF-Connecting-IP\n::5');
});

it.each(['HEAD', 'GET'])('answers several requests on one connection (%s)', async (method) => {
  const { port } = await setUp((_, response) => response.end('x'));
  const get = `${method} / HTTP/1.1\r\nHost: h\r\n\r\n`;
  const client = await connectTcp(port, get);
  for (let n = 1; n <= 3; n++) {
    await expect.poll(() => client.received().split('HTTP/1.1 200 OK').length - 1).toBe(n);
    client.socket.write(get);
  }
});

it('refuses requests whose end is ambiguous, so that no second one can hide in them', async () => {
  let requests = 0;
  const { port } = await setUp((_, response) => {
    requests += 1;
    response.end();
  });
  for (const header of [
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Content-Length: 5\r\nContent-Length: 6',
    'Transfer-Encoding: chunked, x',
    'Content-Length: +5',
  ]) {
    const client = await connectTcp(port, `GET / HTTP/1.1\r\nHost: h\r\n${header}\r\n\r\n0\r\n\r\n`);
    await client.ended;
    expect(client.received(), header).toMatch(/^HTTP\/1.1 400 /);
  }
  expect(requests).toBe(0);
});

it('begins a stream before its first event, and passes each event on at once', async () => {
  const { promise: isOpen, resolve: onOpen } = Promise.withResolvers<void>();
  const { port } = await setUp(async (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
    await isOpen;
    response.write('data: 1\n\n');
  });
  const { body } = await fetch(`http://${HOST}:${port}/v1/events`);
  onOpen();
  const reader = body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: 1\n\n');
  await reader?.cancel();
});

it('ends a request whose client has gone', async () => {
  const { promise: aborted, resolve: onAborted } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: onArrived } = Promise.withResolvers<void>();
  const { port, front } = await setUp((request) => {
    request.on('close', onAborted);
    onArrived();
  });
  const client = await connectTcp(port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await arrived;
  client.socket.destroy();
  await aborted;
  await expect.poll(() => front.connectionCount()).toBe(0);
});

it('takes a response only as fast as the client does', async () => {
  const total = 24 * MEGABYTE;
  let sent = 0;
  const { port } = await setUp(async (_, response) => {
    response.writeHead(200, { 'Content-Length': total });
    for (; sent < total; sent += MEGABYTE)
      if (!response.write(Buffer.alloc(MEGABYTE))) await once(response, 'drain');
    response.end();
  });
  const client = sendRequest({ port, host: HOST }).end();
  const [response] = (await once(client, 'response')) as [IncomingMessage];
  await untilStuck(() => sent, total);
  let received = 0;
  for await (const chunk of response) received += (chunk as Buffer).length;
  expect(received).toBe(total);
});

it('takes a request only as fast as the edge does', async () => {
  const total = 24 * MEGABYTE;
  const { promise: mayRead, resolve: letRead } = Promise.withResolvers<void>();
  const { port } = await setUp(async (request, response) => {
    await mayRead;
    let length = 0;
    for await (const chunk of request) length += (chunk as Buffer).length;
    response.end(String(length));
  });
  const client = sendRequest({ port, host: HOST, method: 'POST' });
  let sent = 0;
  const writing = (async () => {
    for (; sent < total; sent += MEGABYTE)
      if (!client.write(Buffer.alloc(MEGABYTE))) await once(client, 'drain');
    client.end();
  })();
  await untilStuck(() => sent, total);
  letRead();
  await writing;
  const [response] = (await once(client, 'response')) as [IncomingMessage];
  expect(await text(response)).toBe(String(total));
});

it('passes a WebSocket on: subprotocol, frames of every length in both directions, and the Close frame', async () => {
  const { port, opened } = await setUp(() => {});
  const client = new WebSocket(`ws://${HOST}:${port}/call-api?session=a`, [
    'call-api.v1',
    'call-api.token.x',
  ]);
  await once(client, 'open');
  expect(client.protocol).toBe('call-api.token.x');
  opened[0]?.on('message', (data, binary) => opened[0]?.send(data, { binary }));
  for (const length of [0, 1, 126, 65_536, MEGABYTE]) {
    const data = Buffer.alloc(length, 0x88);
    client.send(data);
    const [echo] = (await once(client, 'message')) as [Buffer];
    expect(echo.equals(data)).toBe(true);
  }
  client.close(4000, 'bye');
  const [code, reason] = (await once(opened[0] as WebSocket, 'close')) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([4000, 'bye']);
});

it('passes on why an upgrade is refused', async () => {
  const { port } = await setUp(() => {});
  const client = new WebSocket(`ws://${HOST}:${port}/refused`).on('error', () => {});
  const [request, response] = (await once(client, 'unexpected-response')) as [
    { destroy(): void },
    IncomingMessage,
  ];
  expect(response.statusCode).toBe(401);
  expect(response.headers['www-authenticate']).toBe('Bearer');
  expect(await text(response)).toBe('why');
  request.destroy();
});

it('ends TCP after a Close frame of the edge, whatever the client does', async () => {
  const { port, opened, front } = await setUp(() => {});
  const client = await connectTcp(port, UPGRADE);
  await expect.poll(() => opened.length).toBe(1);
  // The server of this test never ends TCP by itself.
  opened[0]?.pause();
  opened[0]?.close(4401, 'revoked');
  await client.ended;
  expect(client.received()).toContain('\x88\x09\x11\x31revoked');
  // The client does not end its side.
  await expect.poll(() => front.connectionCount(), { timeout: 10_000 }).toBe(0);
  await expect.poll(() => opened[0]?.readyState, { timeout: 10_000 }).toBe(WebSocket.CLOSED);
});

it('tells WebSockets and event streams that it stops, and waits for them', async () => {
  const { port, front } = await setUp((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    response.write('data: 1\n\n');
  });
  const clients = ['/call-api', '/adapter'].map((path) => new WebSocket(`ws://${HOST}:${port}${path}`));
  const [client, adapter] = clients as [WebSocket, WebSocket];
  await Promise.all(clients.map((each) => once(each, 'open')));
  const stream = await fetch(`http://${HOST}:${port}/v1/events`);
  const closed = once(client, 'close');
  await front.goAway();
  const [code, reason] = (await closed) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([1012, 'The edge has stopped. Reconnect after a random delay.']);
  // It rejects for a stream that breaks off.
  expect(await stream.text()).toBe('data: 1\n\n');
  expect(adapter.readyState).toBe(WebSocket.OPEN);
  adapter.terminate();
});

it('closes a WebSocket with 1012 whose connection to workerd ends without a Close frame, unless that is within a frame', async () => {
  const { port, opened } = await setUp(() => {});
  const beginOf = async (bytes: string): Promise<{ readonly code: number }> => {
    const count = opened.length;
    const client = new WebSocket(`ws://${HOST}:${port}/call-api`).on('error', () => {});
    await once(client, 'open');
    await expect.poll(() => opened.length).toBe(count + 1);
    const { _socket: edge } = opened[count] as unknown as { readonly _socket: Socket };
    edge.write(Buffer.from(bytes, 'latin1'));
    edge.end();
    const [code] = (await once(client, 'close')) as [number];
    return { code };
  };
  expect(await beginOf('')).toEqual({ code: 1012 });
  expect(await beginOf('\x81\x01a')).toEqual({ code: 1012 });
  expect(await beginOf('\x81\x02a')).toEqual({ code: 1006 });
});

it('always lets a new connection in, however many are idle, slow or do not read', async () => {
  const max = 10;
  const limits = { clients: max, edge: max / 2 };
  const { port, front } = await setUp((request, response) => {
    if (request.url === '/large') response.end(Buffer.alloc(16 * MEGABYTE));
    else response.end('x');
  }, limits);
  const openUpTo = async (count: number, bytes: string): Promise<Socket[]> => {
    const clients = [];
    for (let n = 0; n < count; n++) clients.push((await connectTcp(port, bytes)).socket.pause());
    return clients;
  };
  const attacks = [
    '',
    'GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ',
    'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n1',
    'GET /large HTTP/1.1\r\nHost: h\r\n\r\n',
  ];
  for (const bytes of attacks) {
    await openUpTo(3 * max, bytes);
    const get = async () => (await fetch(`http://${HOST}:${port}/`)).text().catch(() => '');
    // The server of this test needs a moment to send what is not read. No timeout of the front is as short as this wait.
    await expect.poll(get, { message: bytes, timeout: 5_000 }).toBe('x');
    expect(front.connectionCount()).toBeLessThanOrEqual(max);
  }
});
