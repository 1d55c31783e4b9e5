/** Opens the front of `npm start`. @module */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { quote } from '../../shared/settings/quote.ts';
import { StartError } from '../start-error.ts';
import { connectionLimits, descriptorLimit, MIN_DESCRIPTORS } from './descriptors.ts';
import { type Front, startFront } from './front.ts';

/** The longest path of a Unix socket on macOS, in bytes (sys/un.h: 104 with the final zero). Linux allows 107. */
const MAX_SOCKET_PATH_BYTES = 103;

/** An open front, and where workerd must listen. */
export interface OpenFront extends Front {
  readonly socketPath: string;
}

/**
 * Opens the front. Until workerd listens on its socket, requests wait up to 3 s, and are then answered with 503.
 * @param data the folder for workerd's socket, which only this user should be able to enter
 * @param proxies whose `X-Forwarded-…` headers are passed on; by default those of this machine
 * @throws {StartError} if the port is in use, the path of the folder is too long, or too few files may be open
 */
export async function openFront(
  port: number,
  hosts: readonly string[],
  data: string,
  proxies?: readonly string[],
): Promise<OpenFront> {
  const descriptors = descriptorLimit();
  if (descriptors < MIN_DESCRIPTORS)
    throw new StartError(
      `A process may open only ${descriptors} files here (ulimit -Hn). Allow at least ${MIN_DESCRIPTORS}, with LimitNOFILE in a systemd unit.`,
    );
  const socketPath = join(data, 'workerd.sock');
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES)
    throw new StartError(
      `--data (SELFHOST_DATA): the path of the folder ${quote(data)} is too long for a Unix socket in it. Choose a shorter one: npm start -- --data DIR.`,
    );
  // A workerd that was killed has left it behind.
  await rm(socketPath, { force: true });
  const limits = connectionLimits(descriptors);
  try {
    return { ...(await startFront({ port, hosts, socketPath, limits, proxies })), socketPath };
  } catch (error) {
    throw new StartError(
      `--port (SELFHOST_PORT): cannot listen on port ${port}: ${reasonOf(error)}. Choose another one: npm start -- --port PORT.`,
    );
  }
}
