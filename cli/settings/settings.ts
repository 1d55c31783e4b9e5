/** Where the edge or OpenSIPS is, and with which credential: the settings of all commands but `admin`. @module */
import { DIRECT_NETWORK, type Network } from '../../adapter/network/network.ts';
import { type Address, formatHost } from '../../shared/settings/value-types.ts';
import { EXIT, Failure } from '../exit.ts';
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
  refuseUnused(flags, direct === undefined);
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

/** Flags that only one of the two routes uses. Their variables and the file may be set for both. */
const EDGE_FLAGS = ['url', 'site', 'token-file'];
const DIRECT_FLAGS = ['next-hop', 'events'];

/** Whoever gives a flag means it: a command at another place than it names must not run. */
function refuseUnused(flags: Flags, hasEdge: boolean): void {
  const unused = (hasEdge ? DIRECT_FLAGS : EDGE_FLAGS).filter((name) => flags[name] !== undefined);
  if (unused.length === 0) return;
  const problem = hasEdge
    ? 'has no effect without --direct (CALL_API_DIRECT). Add that, or remove this flag.'
    : 'has no effect with --direct (CALL_API_DIRECT), which needs no edge. Remove one of them.';
  throw new Failure(EXIT.usage, unused.map((name) => `--${name}: ${problem}`).join('\n'));
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
