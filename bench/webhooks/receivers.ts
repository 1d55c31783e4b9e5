/**
 * A receiver of webhooks that never answers and one that does, in a process of their own so that they are not what is
 * measured. Writes one line when both are up: their TCP ports. `GET` tells how many webhooks have come.
 * @module
 */
import { once } from 'node:events';
import { createServer } from 'node:http';

const ports: number[] = [];
for (const answers of [false, true]) {
  let came = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'GET') {
      response.end(String(came));
      return;
    }
    came++;
    if (answers) response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  ports.push(address.port);
}
process.stdout.write(`${ports.join(',')}\n`);
