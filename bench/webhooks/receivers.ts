/**
 * Runs one webhook receiver of each {@link ReceiverKind}, in a process of its own so that its processor time is not
 * measured. Writes one line when all are ready: their TCP ports in the order of {@link RECEIVER_KINDS}. `GET` returns
 * the number of webhooks received. `PUT /down` and `PUT /up` switch the restarting receiver.
 * @module
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { RECEIVER_KINDS, type ReceiverKind } from './receiver-kinds.ts';

/** The response time of a distant and busy receiver. */
const SLOW_RESPONSE_MS = 300;

let isDown = false;

function respond(kind: ReceiverKind, response: ServerResponse): void {
  if (kind === 'failing') response.writeHead(500).end('not now');
  else if (kind === 'redirecting') response.writeHead(307, { Location: '/elsewhere' }).end();
  else if (kind === 'slow') setTimeout(() => response.writeHead(204).end(), SLOW_RESPONSE_MS);
  else if (kind === 'restarting' && isDown) response.destroy();
  else if (kind !== 'hanging') response.writeHead(204).end();
}

const ports: number[] = [];
for (const kind of RECEIVER_KINDS) {
  let received = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'GET') {
      response.end(String(received));
    } else if (request.method === 'PUT') {
      isDown = request.url === '/down';
      response.end();
    } else {
      received++;
      respond(kind, response);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  ports.push(address.port);
}
process.stdout.write(`${ports.join(',')}\n`);
