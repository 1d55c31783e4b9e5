/** Checks what `npm start` needs before it starts anything: a port, a folder and an OpenSIPS. @module */
import { once } from 'node:events';
import { access, constants, mkdir } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { dirname } from 'node:path';
import { resolveHost } from '../adapter/opensips/host-address.ts';
import { MiClient } from '../adapter/opensips/mi-client.ts';
import { reasonOf } from '../shared/settings/error-reason.ts';
import { quote } from '../shared/settings/quote.ts';
import { type Address, formatAddress } from '../shared/settings/value-types.ts';
import { StartError } from './start-error.ts';

/** Two requests, because a single datagram may get lost. */
const MI_ATTEMPTS = 2;
const MI_TIMEOUT_MS = 2_000;

/** Rejects with a {@link StartError} if the edge cannot listen on this port of these addresses. */
export async function requireFreePort(port: number, hosts: readonly string[]): Promise<void> {
  for (const host of hosts) {
    const error = await tryToListen(port, host);
    if (error?.code === 'EADDRNOTAVAIL')
      throw new StartError(
        `--host (SELFHOST_HOST): cannot listen on ${quote(host)}: ${reasonOf(error)}. Use an address of this machine, or 0.0.0.0 for all.`,
      );
    if (error)
      throw new StartError(
        `--port (SELFHOST_PORT): cannot listen on port ${port}: ${reasonOf(error)}. Choose another one: npm start -- --port PORT.`,
      );
  }
}

/** Returns a TCP port of loopback that nothing uses now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Creates a folder, and rejects with a {@link StartError} if it cannot be written to. */
export async function requireWritableDirectory(path: string): Promise<void> {
  try {
    await createDirectory(path);
    await access(path, constants.W_OK);
  } catch (error) {
    throw new StartError(
      `--data (SELFHOST_DATA): cannot write to the folder ${quote(path)}: ${reasonOf(error)}. Choose another one: npm start -- --data DIR.`,
    );
  }
}

/** Rejects with a {@link StartError} if OpenSIPS does not answer MI at this address. */
export async function requireOpenSips(address: Address): Promise<void> {
  const mi = new MiClient();
  try {
    mi.connectTo({ host: await resolveHost(address.host), port: address.port });
    const timeouts = { timeoutMs: MI_TIMEOUT_MS, ttlMs: MI_TIMEOUT_MS };
    for (let attempt = 0; attempt < MI_ATTEMPTS; attempt += 1)
      if (!('outcome' in (await mi.request('uptime', {}, timeouts)))) return;
    throw new StartError(
      `--opensips (SELFHOST_OPENSIPS): no OpenSIPS answers MI at ${formatAddress(address)} (UDP). Check that it is running, and that this is the socket_name of its mi_datagram module.`,
    );
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `--opensips (SELFHOST_OPENSIPS): cannot find the host ${quote(address.host)}: ${reasonOf(error)}. Check the name.`,
    );
  } finally {
    mi.close();
  }
}

function tryToListen(port: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

/** `mkdir` with `recursive` never returns where even the first folder cannot be created, as in /proc (Node 24). */
async function createDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await createDirectory(dirname(path));
    await mkdir(path);
  }
}
