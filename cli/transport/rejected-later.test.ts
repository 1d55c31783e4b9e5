/** A credential that the edge rejects after a break ends a command, also where only the WebSocket says so. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { EXIT } from '../exit.ts';
import { runProgram } from '../process.ts';

it('ends a watch whose key is revoked, although no HTTP request of the client package arrives', async () => {
  // `/v1/me` never answers, as where only a proxy leads to the edge: the client package does not use it.
  const server = createServer(() => {});
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'call-api.v1' });
  let upgrades = 0;
  server.on('upgrade', (request, socket, head) => {
    upgrades += 1;
    if (upgrades > 1) socket.end('HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    else sockets.handleUpgrade(request, socket, head, (first) => void setImmediate(() => first.terminate()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  let err = '';
  const exit = await runProgram(['watch', '--url', `ws://127.0.0.1:${port}`, '--token', 'ca.k1.api.a.b'], {
    env: {},
    out: { write: () => true },
    err: { write: (chunk) => (err += chunk) },
    interrupt: new AbortController().signal,
  });
  expect(exit).toBe(EXIT.notAllowed);
  expect(err).toContain('The edge rejected the API key or token');
});
