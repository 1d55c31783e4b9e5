/** Who is next at workerd, when one sender has more than it can begin with. A server of this test plays workerd. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startFront } from './front.ts';
import { senderOf } from './sender.ts';

const FLOOD = 100;
/** Requests that workerd has to begin with at a time. */
const MAX_TURNS = 16;
/** `expect.poll` would move the clock. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(1);
}

const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket' };

it.each([
  ['requests', {}],
  ['upgrades', UPGRADE],
])(
  'gives workerd few of a flood of %s at a time, and the request of another sender next',
  async (_, headers) => {
    // A turn then ends by an answer only.
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const folder = await mkdtemp(join(tmpdir(), 'call-api-'));
    const socketPath = join(folder, 'workerd.sock');
    const arrived: { readonly sender: string | undefined; readonly socket: Duplex }[] = [];
    const onArrival = ({ headers: { authorization: sender }, socket }: IncomingMessage) =>
      void arrived.push({ sender, socket });
    const server = createServer(onArrival).on('upgrade', onArrival);
    server.listen(socketPath);
    await once(server, 'listening');
    const limits = { clients: 2 * FLOOD, edge: 2 * FLOOD };
    const front = await startFront({ port: 0, hosts: ['127.0.0.1'], socketPath, limits });
    onTestFinished(async () => {
      vi.useRealTimers();
      front.close();
      for (const { socket } of arrived) socket.destroy();
      server.close();
      await rm(folder, { recursive: true, force: true });
    });
    const send = (Authorization: string) =>
      request({ port: front.port, host: '127.0.0.1', agent: false, headers: { ...headers, Authorization } })
        .on('error', () => {})
        .end();
    for (let n = 0; n < FLOOD; n++) send('flood');
    await until(() => front.connectionCount() === FLOOD);
    await until(() => arrived.length >= MAX_TURNS);
    send('other');
    await until(() => front.connectionCount() === FLOOD + 1);
    for (let n = 0; n < FLOOD + 1 - MAX_TURNS; n++) {
      arrived[n]?.socket.end('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n');
      await until(() => arrived.length > MAX_TURNS + n);
      expect(arrived).toHaveLength(MAX_TURNS + n + 1);
    }
    expect(arrived.findIndex(({ sender }) => sender === 'other')).toBeLessThan(MAX_TURNS + 8);
  },
);

it.each([
  [{ authorization: 'Bearer a' }, '/v1/calls?access_token=b', 'Bearer a'],
  [
    { 'sec-websocket-protocol': 'call-api.v1, call-api.token.c' },
    '/call-api?access_token=b',
    ' call-api.token.c',
  ],
  [{ 'sec-websocket-protocol': 'call-api.token.c,call-api.v1' }, '/call-api', 'call-api.token.c'],
  [{ 'sec-websocket-protocol': 'call-api.v1' }, '/call-api?since=1&access_token=b&x=1', '&access_token=b'],
  [{}, '/call-api?token=b', '10.0.0.9'],
])('tells senders apart by their credentials, or by their addresses (%o, %s)', (headers, url, sender) => {
  const message = { headers, url, socket: { remoteAddress: '10.0.0.9' } } as unknown as IncomingMessage;
  expect(senderOf(message)).toBe(sender);
});
