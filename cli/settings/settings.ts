/** Where the edge or OpenSIPS is, and with which credential: the settings of all commands but `admin`. @module */
import { DIRECT_NETWORK, type Network } from '../../adapter/network/network.ts';
import { type Address, formatHost } from '../../shared/settings/value-types.ts';
import { SETTINGS } from './definitions.ts';
import { type Environment, type Flags, readEdgeNetwork, readValues } from './reader.ts';

/** Where the edge is. */
export interface Edge {
  /** URL of its WebSocket, with the site. */
  readonly socket: string;
  /** Prefix of the URLs of its HTTP routes, without a slash at the end. */
  readonly origin: string;
  /** The URL as the user wrote it, without its query, for messages. */
  readonly shown: string;
  readonly site: string | undefined;
}

export interface Settings {
  readonly edge: Edge;
  readonly token: string | undefined;
  readonly domain: string | undefined;
  /** MI address of OpenSIPS. If it is set, there is no edge. */
  readonly direct: Address | undefined;
  readonly nextHop: string;
  readonly events: Address | undefined;
  readonly timeoutMs: number;
  /** How the edge is reached. */
  readonly network: Network;
}

/** Reads the settings; throws a {@link Failure} that names every mistake. */
export function readCallSettings(
  flags: Flags,
  env: Environment,
  readFile?: (path: string) => string,
): Settings {
  const reading = readValues(SETTINGS, flags, env, readFile);
  const { values } = reading;
  const { direct, token, events } = values;
  const nextHop = values['next-hop'] ?? `sip:${formatHost(direct?.host ?? '127.0.0.1')}:5060`;
  const edge = edgeAt(values.url, values.site);
  return {
    edge,
    token,
    domain: values.domain ?? (direct && nextHop.replace(/^sips?:(.*@)?/, '')),
    direct,
    nextHop,
    events,
    timeoutMs: values.timeout * 1_000,
    network: direct ? DIRECT_NETWORK : readEdgeNetwork(edge.socket, reading, env, readFile),
  };
}

function edgeAt(text: string, site: string | undefined): Edge {
  const url = new URL(text.replace(/^http/i, 'ws'));
  const base = url.pathname.replace(/\/(call-api)?\/?$/, '');
  const { protocol, host } = new URL(text);
  url.pathname = `${base}/call-api`;
  if (site !== undefined) url.searchParams.set('site', site);
  return {
    socket: url.href,
    origin: `${url.protocol.replace('ws', 'http')}//${url.host}${base}`,
    shown: `${protocol}//${host}${base}`,
    site: url.searchParams.get('site') ?? undefined,
  };
}
