/**
 * The baseline's adapter: forwards WebSocket messages as UDP datagrams and back without reading them. It has one
 * WebSocket and one UDP socket for each mode and site.
 *
 *     node bench/baseline/relay.ts ws://127.0.0.1:PORT MODE,… MI_PORT,…
 *
 * Sites are numbered from 0 in the order of the MI ports. It writes one line when all sockets are open.
 * @module
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Buffer for replies. The system may grant less. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

const [edgeUrl = '', modes = '', ports = ''] = process.argv.slice(2);
for (const mode of modes.split(',')) {
  for (const [site, port] of ports.split(',').entries())
    await relay(`${edgeUrl}/${mode}/${site}/adapter`, Number(port));
}
process.stdout.write('relaying\n');

async function relay(url: string, port: number): Promise<void> {
  const link = new WebSocket(url, { perMessageDeflate: false });
  const mi = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
  mi.connect(port, '127.0.0.1');
  await Promise.all([once(link, 'open'), once(mi, 'connect')]);
  link.on('message', (request) => mi.send(request.toString()));
  mi.on('message', (reply) => link.send(reply, { binary: false }));
}
