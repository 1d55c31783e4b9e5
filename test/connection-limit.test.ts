/** The edge refuses sockets of a site that has its share of MAX_SOCKETS, without affecting the open ones. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventNames, phoneUri } from './harness/client.ts';
import { type Stack, startStack, waitUntil } from './harness/stack.ts';

/** Includes the adapter's socket. */
const MAX_SOCKETS = 12;
/** Of the sockets in the process, a site may have as many as are still free. One is of the adapter. */
const MAX_CLIENTS = MAX_SOCKETS / 2 - 1;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ secrets: { MAX_SOCKETS: String(MAX_SOCKETS) } });
});
afterAll(() => stack[Symbol.asyncDispose]());

/** Returns the response to a WebSocket upgrade. */
async function tryConnect(): Promise<{ status: number; retryAfter: string | undefined; detail: string }> {
  const socket = new WebSocket(`ws://127.0.0.1:${stack.port}/call-api`);
  socket.on('error', () => {});
  const opened = once(socket, 'open').then(() => ({ status: 101, retryAfter: undefined, detail: '' }));
  const rejected = once(socket, 'unexpected-response').then(async ([, response]) => {
    const body = await response.toArray();
    const { detail } = JSON.parse(Buffer.concat(body).toString());
    return { status: response.statusCode, retryAfter: response.headers['retry-after'], detail };
  });
  const result = await Promise.race([opened, rejected]);
  socket.terminate();
  return result;
}

it('refuses one socket too many with 503 until another one closes', async () => {
  const clients = [];
  for (let n = 0; n < MAX_CLIENTS; n++) clients.push(await stack.connectClient());
  expect(await tryConnect()).toEqual({
    status: 503,
    retryAfter: '5',
    detail: 'Too many connections are open. Try again later.',
  });
  const [first, last] = [clients.at(0), clients.at(-1)];
  const notifications = await first?.runToEnd('CallStart', {
    caller: phoneUri('alice.1'),
    callee: phoneUri('bob.1'),
  });
  expect(eventNames(notifications ?? []).at(-1)).toBe('Ended');
  last?.close();
  await waitUntil(async () => (await tryConnect()).status === 101);
});

it('always accepts an adapter that reconnects', async () => {
  await waitUntil(async () => {
    await stack.connectClient().catch(() => {});
    return (await tryConnect()).status === 503;
  });
  const adapter = await stack.startAdapter();
  await waitUntil(() =>
    /Connected to the edge|The edge is not available|Cannot connect to the edge/.test(adapter.log()),
  );
  expect(adapter.log()).toContain('Connected to the edge');
});
