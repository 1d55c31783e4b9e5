/** A TCP proxy to a port of this machine whose connections a test can break. @module */
import { once } from 'node:events';
import { createServer, type Socket, connect as tcp } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
  readonly url: string;
  /** Breaks all connections and refuses new ones. */
  disconnect(): void;
  /** Accepts connections again. */
  reconnect(): void;
}

/** Starts a proxy to a TCP port of loopback. */
export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const openSockets = new Set<Socket>();
  let isDisconnected = false;
  const server = createServer((client) => {
    if (isDisconnected) {
      client.destroy();
      return;
    }
    const edge = tcp(port, '127.0.0.1');
    for (const [source, target] of [
      [client, edge],
      [edge, client],
    ] as const) {
      openSockets.add(source);
      source.on('error', () => target.destroy());
      source.on('close', () => {
        openSockets.delete(source);
        target.destroy();
      });
      source.pipe(target);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  const disconnect = () => {
    isDisconnected = true;
    for (const socket of openSockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    disconnect,
    reconnect() {
      isDisconnected = false;
    },
    async [Symbol.asyncDispose]() {
      disconnect();
      server.close();
      await once(server, 'close');
    },
  };
}
