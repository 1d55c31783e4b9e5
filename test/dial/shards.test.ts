/** More busy sites than one Dialer has room for. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt } from 'jose';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { startEdge } from '../../selfhost/workerd.ts';
import { PROOF_HEADER } from '../../shared/protocol/dial.ts';
import { proofOf } from '../harness/dial-listener.ts';
import { MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { waitUntil } from '../harness/stack.ts';

const SITES = 9;

it('links nine busy sites by two Dialers', async () => {
  const names = Array.from({ length: SITES }, (_, n) => `t1-s${n + 1}`);
  await using stack = await MultiTenantStack.start({
    tenants: 1,
    sites: SITES,
    sitesWithoutAdapter: names,
    launch: (edge) => startEdge({ ...edge, entry: 'worker/index.ts', allowLoopbackAdapters: true }),
  });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const claims = decodeJwt<{ site: string }>(request.headers.authorization?.slice(7) ?? '');
    const { adapterKey } = stack.site(`t1-${claims.site}`);
    sockets.once('headers', (headers: string[]) =>
      headers.push(`${PROOF_HEADER}: ${proofOf(adapterKey, origin, String(claims.jti))}`),
    );
    sockets.handleUpgrade(request, socket, head, (edge) => {
      const opensips = { version: 'OpenSIPS (3.6.8)', next_hop: 'sip:127.0.0.1:5060', reachable: true };
      const hello = { type: 'hello', version: 1, adapter: claims.site, stream: claims.site, base: 1 };
      edge.send(JSON.stringify({ ...hello, opensips }));
    });
  });
  for (const site of stack.sites) {
    const link = { mode: 'dial', url: origin };
    await stack.adminRequest('PATCH', `/tenants/t1/sites/${site.site}`, { link });
    await (await stack.connectClient(site.siteKey)).request('CallWatch', {});
  }
  for (const site of stack.sites) await stack.waitForLink(site);
  expect(sockets.clients.size).toBe(SITES);
  const dialers = (await stack.objectDatabases()).filter((path) => /^dialer\/(?!metadata)/.test(path));
  expect(dialers).toHaveLength(2);
  for (const socket of sockets.clients) socket.terminate();
  server.close();
  await waitUntil(() => !server.listening);
});
