/** What `/healthz` and `Link` notifications show of the adapters of a site. Pure. @module */
import type { DialHealth } from '../../../shared/protocol/dial.ts';
import type { AdapterRole, AdapterState, OpenSipsStatus } from '../../../shared/protocol/link.ts';
import type { AdapterConnection } from './adapter-connection.ts';
import type { AdapterSet } from './adapter-set.ts';

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
  /** All adapters that are connected, the active ones first, and those that are lost. */
  readonly adapters?: AdapterState[];
}

/** The adapters of a site. */
type Adapters = Pick<AdapterSet, 'serving' | 'standbys' | 'lost'>;

/** Returns the health of the link. The fields of one adapter are those of the one that has served the site longest. */
export function healthOf({ serving, standbys, lost }: Adapters, now: number): LinkHealth {
  const missing = lost.map(
    ({ adapter, lostAt }): AdapterState => ({
      ...{ adapter, role: 'lost', reachable: false, seconds: secondsSince(lostAt, now) },
    }),
  );
  const [active] = serving;
  if (!active) return { connected: false, ...(missing.length > 0 ? { adapters: missing } : {}) };
  const { connectedAt, opensips } = active;
  const { adapter, version, node } = describe(active);
  return {
    connected: true,
    adapter,
    ...(version === undefined ? {} : { adapter_version: version }),
    ...(node === undefined ? {} : { node_version: node }),
    opensips,
    seconds: secondsSince(connectedAt, now),
    adapters: [
      ...[...serving, ...standbys.all].map((each): AdapterState => {
        const role = serving.includes(each) ? 'active' : 'standby';
        const rest = { reachable: each.opensips.reachable, seconds: secondsSince(each.connectedAt, now) };
        return { ...describe(each), role, ...rest };
      }),
      ...missing,
    ],
  };
}

/** Returns the adapters of a site for a `Link` notification, the active ones first. */
export function rolesOf({ serving, standbys, lost }: Adapters): AdapterRole[] {
  const missing = lost.map(({ adapter }): AdapterRole => ({ adapter, role: 'lost', reachable: false }));
  const connected = [...serving, ...standbys.all].map((each): AdapterRole => {
    const { adapter, version } = describe(each);
    const role = serving.includes(each) ? 'active' : 'standby';
    return {
      adapter,
      role,
      ...(version === undefined ? {} : { version }),
      reachable: each.opensips.reachable,
    };
  });
  return [...connected, ...missing];
}

function describe({ description }: AdapterConnection): Pick<AdapterState, 'adapter' | 'version' | 'node'> {
  return { adapter: description.adapter, ...description.software };
}

function secondsSince(at: number, now: number): number {
  return Math.floor((now - at) / 1000);
}
