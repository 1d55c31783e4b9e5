/**
 * Receivers of webhooks, one of each {@link Kind}, in a process of their own so that they are not what is measured.
 * Writes one line when all are up: their TCP ports in the order of {@link KINDS}. `GET` tells how many webhooks have
 * come; `PUT /dead` and `PUT /alive` say to the one that dies what it is.
 * @module
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { KINDS, type Kind } from './kinds.ts';

/** In milliseconds; as long as a far and busy receiver may take. */
const SLOW_MS = 300;

let dead = false;

function answer(kind: Kind, response: ServerResponse): void {
  if (kind === 'fails') response.writeHead(500).end('not now');
  else if (kind === 'redirects') response.writeHead(307, { Location: '/elsewhere' }).end();
  else if (kind === 'slow') setTimeout(() => response.writeHead(204).end(), SLOW_MS);
  else if (kind === 'dies' && dead) response.destroy();
  else if (kind !== 'hangs') response.writeHead(204).end();
}

const ports: number[] = [];
for (const kind of KINDS) {
  let came = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'GET') {
      response.end(String(came));
    } else if (request.method === 'PUT') {
      dead = request.url === '/dead';
      response.end();
    } else {
      came++;
      answer(kind, response);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  ports.push(address.port);
}
process.stdout.write(`${ports.join(',')}\n`);
