/** The sockets of a phone: UDP, or TCP for an OpenSIPS without UDP. @module */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Address } from './sip-message.ts';

export type TransportName = 'udp' | 'tcp';

/** Gets a message and the address to which the replies to it go. */
type MessageListener = (text: string, from: Address) => void;

export interface Transport {
  readonly name: TransportName;
  readonly port: number;
  send(text: string, to: Address): void;
  close(): void;
}

/** Opens a transport on an address of this machine, at any free port. */
export function openTransport(
  name: TransportName,
  host: string,
  onMessage: MessageListener,
): Promise<Transport> {
  return name === 'udp' ? openUdp(host, onMessage) : openTcp(host, onMessage);
}

async function openUdp(host: string, onMessage: MessageListener): Promise<Transport> {
  const socket = createSocket('udp4');
  socket.on('message', (datagram, from) => onMessage(`${datagram}`, { host: from.address, port: from.port }));
  // The remote port may be closed, as while OpenSIPS restarts. Retransmission handles that.
  socket.on('error', () => {});
  socket.unref();
  socket.bind(0, host);
  await once(socket, 'listening');
  return {
    name: 'udp',
    port: socket.address().port,
    send: (text, to) => socket.send(text, to.port, to.host),
    close: () => socket.close(),
  };
}

/** Listens, and keeps the connections to and from each peer, since a reply belongs on the one of its request. */
async function openTcp(host: string, onMessage: MessageListener): Promise<Transport> {
  const connections = new Map<string, Socket>();
  const keyOf = (peer: Address) => `${peer.host}:${peer.port}`;
  const keep = (socket: Socket, peer: Address) => {
    connections.set(keyOf(peer), socket);
    const splitter = new MessageSplitter((text) => onMessage(text, peer));
    socket.on('data', (chunk: Buffer) => splitter.append(chunk));
    socket.on('error', () => {});
    socket.on('close', () => connections.delete(keyOf(peer)));
    socket.unref();
  };
  const server = createServer((socket) =>
    keep(socket, { host: socket.remoteAddress ?? host, port: socket.remotePort ?? 0 }),
  );
  server.unref();
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  return {
    name: 'tcp',
    port: typeof address === 'object' && address !== null ? address.port : 0,
    send(text, to) {
      if (!connections.has(keyOf(to))) keep(connect({ ...to, localAddress: host }), to);
      connections.get(keyOf(to))?.write(text);
    },
    close() {
      server.close();
      for (const socket of connections.values()) socket.destroy();
    },
  };
}

/** Splits a stream into SIP messages by Content-Length (RFC 3261 §18.3). */
class MessageSplitter {
  readonly #onMessage: (text: string) => void;
  #buffer: Buffer = Buffer.alloc(0);

  constructor(onMessage: (text: string) => void) {
    this.#onMessage = onMessage;
  }

  append(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const headLength = this.#buffer.indexOf('\r\n\r\n') + 4;
      if (headLength < 4) return;
      const head = this.#buffer.subarray(0, headLength).toString();
      const bodyLength = Number(/^(?:Content-Length|l)\s*:\s*(\d+)/im.exec(head)?.[1] ?? 0);
      if (this.#buffer.length < headLength + bodyLength) return;
      this.#onMessage(this.#buffer.subarray(0, headLength + bodyLength).toString());
      this.#buffer = this.#buffer.subarray(headLength + bodyLength);
    }
  }
}
