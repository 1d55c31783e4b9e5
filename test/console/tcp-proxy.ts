/** A network that can be cut: bytes go through it to a port of this machine, or they don't. @module */
import { once } from 'node:events';
import { createServer, type Socket, connect as tcp } from 'node:net';

export interface Network extends AsyncDisposable {
  readonly url: string;
  /** Breaks all connections; nobody gets through any more. */
  cut(): void;
  mend(): void;
}

/** A network to that TCP port of loopback. */
export async function networkTo(port: number): Promise<Network> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const edge = tcp(port, '127.0.0.1');
    for (const [one, other] of [
      [client, edge],
      [edge, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  const cut = () => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut,
    mend() {
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
