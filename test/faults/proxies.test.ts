/** The bench's own tools do what they say. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { Random } from './random.ts';
import { CLEAR, type DatagramRules, type UdpRules } from './rules.ts';
import { Tally } from './tally.ts';
import { UdpProxy } from './udp-proxy.ts';
import { WebSocketProxy } from './websocket-proxy.ts';

const NOTHING: DatagramRules = { drop: 0, delay: 0, delayMs: 0, double: 0, reorder: 0 };

it('a seed repeats its numbers, and they spread', () => {
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 1_000 }, () => random.next());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const mean = draw(7).reduce((sum, number) => sum + number, 0) / 1_000;
  expect(mean).toBeGreaterThan(0.45);
  expect(mean).toBeLessThan(0.55);
});

it.each<[string, Partial<UdpRules>, string[]]>([
  ['as they come', {}, ['a', 'b', 'c']],
  ['not at all', { reply: { ...NOTHING, drop: 1 } }, []],
  ['never asked', { request: { drop: 1, delay: 0, delayMs: 0 } }, []],
  ['twice', { reply: { ...NOTHING, double: 1 } }, ['a', 'a', 'b', 'b', 'c', 'c']],
  ['late', { reply: { ...NOTHING, delay: 1, delayMs: 20 } }, ['a', 'b', 'c']],
])('answers come %s', async (_, rules, expected) => {
  await using pair = await echo({ ...CLEAR, ...rules });
  pair.ask('a', 'b', 'c');
  await expect.poll(() => [...pair.heard].sort()).toEqual(expected);
  await pair.still();
  expect([...pair.heard].sort()).toEqual(expected);
});

it('the one that is overtaken comes after the next, or a little later where none comes', async () => {
  await using pair = await echo(CLEAR);
  pair.proxy.rules = { ...CLEAR, reply: { ...NOTHING, reorder: 1 } };
  pair.ask('a');
  await pair.still();
  pair.proxy.rules = CLEAR;
  pair.ask('b');
  await expect.poll(() => pair.heard).toEqual(['b', 'a']);
  pair.proxy.rules = { ...CLEAR, reply: { ...NOTHING, reorder: 1 } };
  pair.ask('c');
  await expect.poll(() => pair.heard).toEqual(['b', 'a', 'c']);
});

it('events of a subscription pass through the proxy, which the adapter does not notice', async () => {
  await using pair = await echo(CLEAR);
  const { port } = pair.client.address();
  pair.ask(`{"method":"event_subscribe","socket":"udp:127.0.0.1:${port}"}`);
  await expect.poll(() => pair.asked).toHaveLength(1);
  const subscribed = Number(/127\.0\.0\.1:(\d+)/.exec(pair.asked[0] ?? '')?.[1]);
  expect(subscribed).not.toBe(port);
  pair.client.send('event', subscribed, '127.0.0.1');
  await expect.poll(() => pair.heard).toContain('event');
  expect(pair.proxy.passed.event).toBe(1);
  pair.ask(`{"Subscribers":[{"socket":"udp:127.0.0.1:${subscribed}"}]}`);
  await expect.poll(() => pair.heard).toContain(`{"Subscribers":[{"socket":"udp:127.0.0.1:${port}"}]}`);
});

it('a connection stalls in silence and heals without a loss, or is reset', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const target = typeof address === 'object' && address !== null ? address.port : 0;
  await using proxy = await WebSocketProxy.start(target);
  const socket = connect(proxy.port, '127.0.0.1');
  let heard = '';
  socket.on('data', (bytes) => {
    heard += bytes.toString();
  });
  socket.write('one');
  await expect.poll(() => heard).toBe('one');
  for (const direction of ['up', 'down'] as const) {
    proxy.stall(direction);
    const before = heard;
    socket.write(direction);
    await new Promise((resume) => setTimeout(resume, 50));
    expect(heard).toBe(before);
    expect(socket.destroyed).toBe(false);
    proxy.heal();
    await expect.poll(() => heard).toBe(before + direction);
  }
  const reset = once(socket, 'error');
  proxy.cut();
  expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
  proxy.keepOut();
  const refused = connect(proxy.port, '127.0.0.1');
  await once(refused, 'error');
  proxy.letIn();
  const taken = connect(proxy.port, '127.0.0.1');
  taken.write('again');
  expect(String(await once(taken, 'data'))).toBe('again');
  taken.destroy();
  server.close();
});

/** A client whose every datagram is answered with itself, through the proxy. */
async function echo(rules: UdpRules) {
  const asked: string[] = [];
  const server = await bound((text, reply) => {
    asked.push(text);
    reply(text);
  });
  const proxy = await UdpProxy.start(server.address().port, rules, new Random(1), new Tally());
  const heard: string[] = [];
  const client = await bound((text) => heard.push(text));
  return {
    proxy,
    client,
    asked,
    heard,
    ask(...texts: string[]) {
      for (const text of texts) client.send(text, proxy.port, '127.0.0.1');
    },
    /** Time enough for what is on its way; less than a datagram waits to be overtaken. */
    still: () => new Promise((resume) => setTimeout(resume, 15)),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      client.close();
      server.close();
    },
  };
}

async function bound(hear: (text: string, reply: (text: string) => void) => void): Promise<Socket> {
  const socket = createSocket('udp4', (bytes, { port, address }) =>
    hear(bytes.toString(), (text) => socket.send(text, port, address)),
  );
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
