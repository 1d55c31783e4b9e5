/** What `/healthz` and `Link` notifications show of the adapters of a site. Pure. @module */
import type { DialHealth } from '../../../shared/protocol/dial.ts';
import type { AdapterRole, AdapterState, OpenSipsStatus } from '../../../shared/protocol/link.ts';
import type { AdapterConnection } from './adapter-connection.ts';

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
  /** All adapters that are connected, the active one first. */
  readonly adapters?: AdapterState[];
}

/** Returns the health of the link. @param standbys the adapters that wait to take over */
export function healthOf(
  active: AdapterConnection,
  standbys: readonly AdapterConnection[],
  now: number,
): LinkHealth {
  const { connectedAt, opensips } = active;
  const { adapter, version, node } = describe(active);
  return {
    connected: true,
    adapter,
    ...(version === undefined ? {} : { adapter_version: version }),
    ...(node === undefined ? {} : { node_version: node }),
    opensips,
    seconds: secondsSince(connectedAt, now),
    adapters: [active, ...standbys].map((each) => {
      const role = each === active ? 'active' : 'standby';
      const rest = { reachable: each.opensips.reachable, seconds: secondsSince(each.connectedAt, now) };
      return { ...describe(each), role, ...rest };
    }),
  };
}

/** Returns the adapters of a site for a `Link` notification, the active one first. */
export function rolesOf(
  active: AdapterConnection | undefined,
  standbys: readonly AdapterConnection[],
): AdapterRole[] {
  const connections = active ? [active, ...standbys] : standbys;
  return connections.map((each) => {
    const { adapter, version } = describe(each);
    const role = each === active ? 'active' : 'standby';
    return {
      adapter,
      role,
      ...(version === undefined ? {} : { version }),
      reachable: each.opensips.reachable,
    };
  });
}

function describe({ description }: AdapterConnection): Pick<AdapterState, 'adapter' | 'version' | 'node'> {
  return { adapter: description.adapter, ...description.software };
}

function secondsSince(at: number, now: number): number {
  return Math.floor((now - at) / 1000);
}
