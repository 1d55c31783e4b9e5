/** The proxies and the random numbers of the fault tests work as intended. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { SeededRandom } from '../harness/seeded-random.ts';
import { FaultLog } from '../injection/fault-log.ts';
import { type DatagramFaultRates, NO_UDP_FAULTS, type UdpFaultRates } from '../injection/fault-rates.ts';
import { UdpProxy } from './udp-proxy.ts';
import { WebSocketProxy } from './websocket-proxy.ts';

const NO_FAULTS: DatagramFaultRates = { drop: 0, delay: 0, delayMs: 0, duplicate: 0, reorder: 0 };

it('repeats the random numbers of a seed, uniformly distributed', () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 1_000 }, () => random.next());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const mean = draw(7).reduce((sum, number) => sum + number, 0) / 1_000;
  expect(mean).toBeGreaterThan(0.45);
  expect(mean).toBeLessThan(0.55);
});

it.each<[string, Partial<UdpFaultRates>, string[]]>([
  ['forwards replies unchanged', {}, ['a', 'b', 'c']],
  ['drops replies', { reply: { ...NO_FAULTS, drop: 1 } }, []],
  ['drops requests', { request: { drop: 1, delay: 0, delayMs: 0 } }, []],
  ['duplicates replies', { reply: { ...NO_FAULTS, duplicate: 1 } }, ['a', 'a', 'b', 'b', 'c', 'c']],
  ['delays replies', { reply: { ...NO_FAULTS, delay: 1, delayMs: 20 } }, ['a', 'b', 'c']],
])('%s', async (_, faultRates, expected) => {
  await using echo = await openEcho({ ...NO_UDP_FAULTS, ...faultRates });
  echo.send('a', 'b', 'c');
  await expect.poll(() => [...echo.replies].sort()).toEqual(expected);
  await echo.settle();
  expect([...echo.replies].sort()).toEqual(expected);
});

it('forwards a reordered datagram after the next one, or after a short time if none follows', async () => {
  await using echo = await openEcho(NO_UDP_FAULTS);
  echo.proxy.faultRates = { ...NO_UDP_FAULTS, reply: { ...NO_FAULTS, reorder: 1 } };
  echo.send('a');
  await echo.settle();
  echo.proxy.faultRates = NO_UDP_FAULTS;
  echo.send('b');
  await expect.poll(() => echo.replies).toEqual(['b', 'a']);
  echo.proxy.faultRates = { ...NO_UDP_FAULTS, reply: { ...NO_FAULTS, reorder: 1 } };
  echo.send('c');
  await expect.poll(() => echo.replies).toEqual(['b', 'a', 'c']);
});

it('forwards the events of a subscription, transparently for the adapter', async () => {
  await using echo = await openEcho(NO_UDP_FAULTS);
  const { port } = echo.client.address();
  echo.send(`{"method":"event_subscribe","socket":"udp:127.0.0.1:${port}"}`);
  await expect.poll(() => echo.requests).toHaveLength(1);
  const subscribedPort = Number(/127\.0\.0\.1:(\d+)/.exec(echo.requests[0] ?? '')?.[1]);
  expect(subscribedPort).not.toBe(port);
  echo.client.send('event', subscribedPort, '127.0.0.1');
  await expect.poll(() => echo.replies).toContain('event');
  expect(echo.proxy.forwardedCounts.event).toBe(1);
  echo.send(`{"Subscribers":[{"socket":"udp:127.0.0.1:${subscribedPort}"}]}`);
  await expect.poll(() => echo.replies).toContain(`{"Subscribers":[{"socket":"udp:127.0.0.1:${port}"}]}`);
});

it('stalls a connection and resumes it without loss, resets it, and refuses connections', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const targetPort = typeof address === 'object' && address !== null ? address.port : 0;
  await using proxy = await WebSocketProxy.start(targetPort);
  const socket = connect(proxy.port, '127.0.0.1');
  let received = '';
  socket.on('data', (bytes) => {
    received += bytes.toString();
  });
  socket.write('one');
  await expect.poll(() => received).toBe('one');
  for (const direction of ['up', 'down'] as const) {
    proxy.stall(direction);
    const receivedBefore = received;
    socket.write(direction);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(received).toBe(receivedBefore);
    expect(socket.destroyed).toBe(false);
    proxy.resume();
    await expect.poll(() => received).toBe(receivedBefore + direction);
  }
  const reset = once(socket, 'error');
  proxy.resetConnections();
  expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
  proxy.refuseConnections();
  const refused = connect(proxy.port, '127.0.0.1');
  await once(refused, 'error');
  proxy.acceptConnections();
  const accepted = connect(proxy.port, '127.0.0.1');
  accepted.write('again');
  expect(String(await once(accepted, 'data'))).toBe('again');
  accepted.destroy();
  server.close();
});

/** Opens a client and, behind the proxy, a server that returns each datagram to its sender. */
async function openEcho(faultRates: UdpFaultRates) {
  const requests: string[] = [];
  const server = await bindSocket((text, reply) => {
    requests.push(text);
    reply(text);
  });
  const proxy = await UdpProxy.start(server.address().port, faultRates, new SeededRandom(1), new FaultLog());
  const replies: string[] = [];
  const client = await bindSocket((text) => replies.push(text));
  return {
    proxy,
    client,
    requests,
    replies,
    send(...texts: string[]) {
      for (const text of texts) client.send(text, proxy.port, '127.0.0.1');
    },
    /** Waits for datagrams in transit, but not as long as the proxy holds back a reordered one. */
    settle: () => new Promise((resolve) => setTimeout(resolve, 15)),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      client.close();
      server.close();
    },
  };
}

async function bindSocket(
  onDatagram: (text: string, reply: (text: string) => void) => void,
): Promise<Socket> {
  const socket = createSocket('udp4', (bytes, { port, address }) =>
    onDatagram(bytes.toString(), (text) => socket.send(text, port, address)),
  );
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
