/** Derives from the limit of file descriptors how many connections this machine serves. @module */
import { execFileSync } from 'node:child_process';

/** Descriptors that each process has open without any connection: some 35 in Node.js, some 25 in workerd. */
const BASE_DESCRIPTORS = 64;
/** A share of the descriptors for the objects' databases, which take three each, and for webhooks. */
const DATABASE_SHARE = 0.1;
/** workerd has two for each WebSocket (seen in /proc/PID/fd), and for a moment still those of some that have ended. */
const EDGE_DESCRIPTORS_PER_CONNECTION = 2.5;
/** A share of the connections to workerd that WebSockets and event streams leave to requests and adapters. */
const REQUEST_SHARE = 0.2;
/** Below this number `npm start` does not start: too few connections would be left. */
export const MIN_DESCRIPTORS = 256;

/** How many connections are served. */
export interface ConnectionLimits {
  /** TCP connections to the front. */
  readonly clients: number;
  /** Connections of the front to workerd: WebSockets, and requests that are being answered. Further requests wait. */
  readonly edge: number;
  /** WebSockets and event streams of clients among them: `MAX_SOCKETS` of the Worker. */
  readonly sockets: number;
}

/** Returns the limits for a number of file descriptors. */
export function connectionLimits(descriptors: number): ConnectionLimits {
  const free = descriptors * (1 - DATABASE_SHARE) - BASE_DESCRIPTORS;
  const edge = Math.max(0, Math.floor(free / EDGE_DESCRIPTORS_PER_CONNECTION));
  const clients = Math.max(0, descriptors - BASE_DESCRIPTORS - edge);
  return { clients, edge, sockets: Math.floor(edge * (1 - REQUEST_SHARE)) };
}

/**
 * Returns how many files a process may have open here: the hard limit, because Node.js raises its soft limit to that when
 * it starts, and workerd is started with it as well.
 */
export function descriptorLimit(): number {
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }));
  return Number.isNaN(limit) ? Number.MAX_SAFE_INTEGER : limit;
}
