/** A full house: who comes too many is told so, and nobody inside notices. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { events, phone } from './stack/client.ts';
import { type Stack, startStack, until } from './stack/stack.ts';

/** The adapter's socket is one of them. */
const MOST = 6;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ secrets: { MAX_SOCKETS: String(MOST) } });
});
afterAll(() => stack[Symbol.asyncDispose]());

/** What an upgrade is answered with. */
async function knock(): Promise<{ status: number; retryAfter: string | undefined; detail: string }> {
  const socket = new WebSocket(`ws://127.0.0.1:${stack.port}/call-api`);
  socket.on('error', () => {});
  const opened = once(socket, 'open').then(() => ({ status: 101, retryAfter: undefined, detail: '' }));
  const refused = once(socket, 'unexpected-response').then(async ([, response]) => {
    const body = await response.toArray();
    const { detail } = JSON.parse(Buffer.concat(body).toString());
    return { status: response.statusCode, retryAfter: response.headers['retry-after'], detail };
  });
  const answer = await Promise.race([opened, refused]);
  socket.terminate();
  return answer;
}

it('one more than there is room for is refused with 503, until somebody leaves', async () => {
  const clients = [];
  for (let n = 1; n < MOST; n++) clients.push(await stack.client());
  expect(await knock()).toEqual({
    status: 503,
    retryAfter: '5',
    detail: 'too many sockets are open; try again later',
  });
  const [first, last] = [clients.at(0), clients.at(-1)];
  const told = await first?.toEnd('CallStart', { caller: phone('alice.1'), callee: phone('bob.1') });
  expect(events(told ?? []).at(-1)).toBe('Ended');
  last?.close();
  await until(async () => (await knock()).status === 101);
});

it('an adapter that comes back always finds room', async () => {
  await until(async () => {
    await stack.client().catch(() => {});
    return (await knock()).status === 503;
  });
  const adapter = await stack.startAdapter();
  await until(() => /connected to the edge|the edge answered|cannot be reached/.test(adapter.log()));
  expect(adapter.log()).toContain('connected to the edge');
});
