/** The connection of an adapter that has sent `hello`: what survives a hibernation, and what `/healthz` shows of it. Pure. @module */
import type { DialHealth } from '../../../shared/protocol/dial.ts';
import type { OpenSipsStatus } from '../../../shared/protocol/link.ts';
import type { Software } from '../../../shared/protocol/link-negotiation.ts';
import type { AdapterSocket } from '../sockets/attachments.ts';

/** The state of the link, for `/healthz`. */
export interface LinkHealth {
  readonly connected: boolean;
  readonly adapter?: string;
  /** The release of the adapter; absent from one of 0.2.0. */
  readonly adapter_version?: string;
  /** The version of Node.js that the adapter runs on. */
  readonly node_version?: string;
  readonly opensips?: OpenSipsStatus;
  /** Seconds since the adapter connected. */
  readonly seconds?: number;
  /** How the edge dials the adapter; absent if the adapter connects to the edge. */
  readonly dial?: DialHealth;
}

/** A socket whose adapter has sent `hello`. */
export interface ActiveConnection {
  readonly socket: WebSocket;
  readonly key: string;
  readonly connectedAt: number;
  readonly adapter: string;
  readonly stream: string;
  /** Absent from an adapter of 0.2.0. */
  readonly software?: Software | undefined;
  opensips: OpenSipsStatus;
}

/** Returns the health of the link with this connection. */
export function healthOf(active: ActiveConnection, now: number): LinkHealth {
  const { adapter, connectedAt, opensips, software: { version, node } = {} } = active;
  return {
    connected: true,
    adapter,
    ...(version === undefined ? {} : { adapter_version: version }),
    ...(node === undefined ? {} : { node_version: node }),
    opensips,
    seconds: Math.floor((now - connectedAt) / 1000),
  };
}

/** Returns what the socket carries through a hibernation. */
export function attachmentFor(active: ActiveConnection): AdapterSocket {
  const { key, connectedAt, adapter, stream, software, opensips } = active;
  const hello = { adapter, stream, opensips, ...(software === undefined ? {} : { software }) };
  return { kind: 'adapter', key, connectedAt, hello };
}
