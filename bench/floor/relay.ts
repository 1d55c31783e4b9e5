/**
 * The floor's adapter: what comes by WebSocket goes out by UDP and the other way round, unread. One link and one UDP
 * socket for each mode and site.
 *
 *     node bench/floor/relay.ts ws://127.0.0.1:PORT MODE,… MI_PORT,…
 *
 * The sites are numbered from 0 in the order of the MI ports. It writes a line when all links stand.
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Room for replies in bytes; the system may grant less. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

const [edge = '', modes = '', ports = ''] = process.argv.slice(2);
for (const mode of modes.split(',')) {
  for (const [site, port] of ports.split(',').entries())
    await relay(`${edge}/${mode}/${site}/adapter`, Number(port));
}
process.stdout.write('relaying\n');

async function relay(url: string, port: number): Promise<void> {
  const link = new WebSocket(url, { perMessageDeflate: false });
  const mi = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER });
  mi.connect(port, '127.0.0.1');
  await Promise.all([once(link, 'open'), once(mi, 'connect')]);
  link.on('message', (request) => mi.send(request.toString()));
  mi.on('message', (reply) => link.send(reply, { binary: false }));
}
