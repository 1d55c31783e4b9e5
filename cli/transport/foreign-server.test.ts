/** `call-api` at servers that are no edge. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { runProgram } from '../process.ts';

/** Starts a server that accepts every WebSocket; or none, without `onSocket`. Returns its URL. */
async function serve(onSocket?: (socket: WebSocket) => void): Promise<string> {
  const server: Server = createServer((_, response) => void response.end('<html>'));
  if (onSocket) {
    const sockets = new WebSocketServer({ server, handleProtocols: () => false });
    sockets.on('connection', onSocket);
    onTestFinished(() => {
      for (const client of sockets.clients) client.terminate();
    });
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function run(...args: string[]) {
  let err = '';
  const exit = await runProgram(args, {
    env: {},
    out: { write: () => {} },
    err: { write: (text) => (err += text) },
    interrupt: new AbortController().signal,
  });
  return { exit, err };
}

const CHECK_URL = 'Check --url (CALL_API).\n';

it.each([['list'], ['rpc'], ['token', 'alice'], ['start', 'sip:a@b', 'sip:c@d']])(
  '%s explains a web server',
  async (...args) => {
    const url = await serve();
    expect(await run(...args, '--url', url)).toEqual({
      exit: 3,
      err: `What answers at ${url} is not an edge (HTTP 200). ${CHECK_URL}`,
    });
  },
);

it('explains a server that sends other messages', async () => {
  const url = await serve((socket) => socket.on('message', () => socket.send('<html>')));
  expect(await run('rpc', '--url', url)).toEqual({
    exit: 3,
    err: `What answers at ${url} is not an edge: its messages are not JSON-RPC. ${CHECK_URL}`,
  });
});

it('explains a server that does not know the subprotocol', async () => {
  const { exit, err } = await run('list', '--token', 'a.b.c', '--url', await serve(() => {}));
  expect(exit).toBe(3);
  expect(err).toMatch(/: what answers there is not the expected WebSocket server\. Check --url/);
});

it.each([['list'], ['rpc', 'CallList']])(
  '%s does not wait longer than --timeout for the answer',
  async (...args) => {
    const url = await serve(() => {});
    expect(await run(...args, '--timeout', '1', '--url', url)).toEqual({
      exit: 3,
      err: `The edge at ${url} has not answered within 1 s. Try again, or increase --timeout (CALL_API_TIMEOUT).\n`,
    });
  },
);
