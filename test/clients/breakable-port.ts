/** A port in front of the edge whose connections a test breaks. @module */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface BreakablePort {
  readonly port: number;
  /** Breaks all open connections. New ones are accepted. */
  break(): void;
  close(): void;
}

/** Passes connections on to the port of the edge. */
export async function openBreakablePort(edgePort: number): Promise<BreakablePort> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const edge = connect(edgePort, '127.0.0.1');
    for (const [socket, other] of [
      [client, edge],
      [edge, client],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      // 'close' follows.
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  // As the examples say `localhost`, which may be either.
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    break: breakAll,
    close: () => {
      server.close();
      breakAll();
    },
  };
}
