/** The adapter's settings, and the text of its `--help`. @module */
import { hostname } from 'node:os';
import * as z from 'zod';
import type { Leg } from '../shared/opensips/evi.ts';
import { ALLOWED_MI_COMMANDS } from '../shared/opensips/mi.ts';
import { type Manual, readCommandLine } from '../shared/settings/command-line.ts';
import { alternatives } from '../shared/settings/quote.ts';
import type { Definitions } from '../shared/settings/settings.ts';
import {
  type Address,
  Credential,
  hostPort,
  SipUri,
  Switch,
  Text,
  urlOf,
  wholeNumber,
} from '../shared/settings/value-types.ts';

import type { Matching } from './in-dialog/refer-to.ts';
import { LISTENER_SETTINGS, type ListenSettings, readListener } from './listener/listener-settings.ts';
import { type Network, readNetwork } from './network/network.ts';

export type { Address } from '../shared/settings/value-types.ts';

export interface Settings {
  /** Where OpenSIPS takes MI datagrams. */
  readonly opensips: Address;
  /** The edge's WebSocket for adapters. */
  readonly edge: string;
  /** The adapter's key; an open local edge needs none. */
  readonly key: string | undefined;
  /** The SIP address through which a first leg passes the routing script. */
  readonly sipNextHop: string;
  /** The adapter's own name, the same across restarts. */
  readonly name: string;
  /** Where events are received; undefined: the local address that reaches OpenSIPS, any port. */
  readonly events: Address | undefined;
  /** MI methods that the edge may ask for. */
  readonly allow: ReadonlySet<string>;
  /** Maximum number of messages kept for replay. */
  readonly buffer: number;
  /** Lifetime of an event subscription in seconds. */
  readonly subscription: number;
  /** `callops`: requests within a dialog are never sent; the commands of callops are used. */
  readonly engine: Engine;
  /** How long OpenSIPS waits for a phone, in milliseconds. */
  readonly frTimeoutMs: number;
  /** How callops recognizes the new call of a transfer. */
  readonly matching: Matching;
  /** The party in From of the INVITE to the caller's phone. */
  readonly setUpFrom: Leg;
  /** The transport of SIP addresses that have none. */
  readonly transport: string | undefined;
  readonly logLevel: string;
  /** How the edge is reached. */
  readonly network: Network;
  /** How the edge dials this adapter; undefined: the adapter connects to the edge. */
  readonly listen: ListenSettings | undefined;
  /** Whether the way to the edge is checked, and nothing else done. */
  readonly check: boolean;
}

const ENGINES = ['auto', 'callops'] as const;
export type Engine = (typeof ENGINES)[number];

/** Settings, or a text to print (`--help`), or a sentence for each mistake. */
export type Reading =
  | { readonly settings: Settings }
  | { readonly help: string }
  | { readonly errors: readonly string[] };

const IPV4 = z.ipv4();

const EventsAddress = hostPort(0).refine(
  ({ host }) => IPV4.safeParse(host).success && host !== '0.0.0.0',
  'is not an IPv4 address that OpenSIPS can reach. Write it like 10.0.0.5:5061.',
);

const MiMethods = z
  .string()
  .transform((text) => text.split(',').map((method) => method.trim()))
  .refine((methods) => methods.every((method) => /^[\w:]+$/.test(method)), {
    message: 'is not a list of MI commands. Write it like t_uac_dlg,dlg_list.',
  });

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A choice from a list, with the message that names all of them. */
const oneOf = <const T extends readonly string[]>(values: T, noun: string) =>
  z.enum(values, { error: `is not ${noun}. Use ${alternatives(values)}.` });

/** The name of a URI parameter, from the characters that every script and phone takes. The edge takes 64 of them. */
const MatchParam = z
  .string()
  .regex(
    /^[A-Za-z0-9_-]{1,64}$/,
    'is not the name of a URI parameter. Use 1 to 64 letters, digits, "-" or "_".',
  );

/** The transports of OpenSIPS (its modules proto_udp, proto_tcp and so on; values of RFC 3261 §19.1.1 and RFC 7118 §5.1). */
const TRANSPORTS = ['udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'] as const;

const MATCH_MODES = ['param', 'callid', 'manual'] as const;
const PARTIES = ['callee', 'caller'] as const;

const AdapterName = z
  .string()
  .min(1, 'is empty. Use 1 to 128 characters.')
  .max(128, 'is longer than 128 characters. Use a shorter name.');

/** The adapter endpoint of an edge. The URL of a browser or of a client gets the corrected one in its message. */
const AdapterUrl = urlOf(/^(ws|http)s?$/, 'wss://calls.example.com/adapter').superRefine((text, context) => {
  const url = new URL(text.replace(/^http/i, 'ws'));
  const hasPath = url.pathname.endsWith('/adapter');
  if (hasPath && /^ws/i.test(text)) return;
  const base = url.pathname.replace(/\/(adapter|call-api)?\/?$/, '');
  const corrected = `${url.protocol}//${url.host}${base}/adapter`;
  const fault = hasPath ? 'is not a WebSocket URL' : 'does not end with the path /adapter';
  context.addIssue({ code: 'custom', message: `${fault}. Use ${corrected}.` });
});

const SETTINGS = {
  opensips: {
    value: 'host:port',
    env: 'OPENSIPS_MI',
    default: '127.0.0.1:8080',
    help: 'UDP address of the MI of OpenSIPS: the socket_name of its mi_datagram module',
    type: hostPort(),
  },
  edge: {
    value: 'url',
    env: 'EDGE_URL',
    default: 'ws://127.0.0.1:5059/adapter',
    help: 'URL of the adapter endpoint of the edge, ws:// or wss://',
    type: AdapterUrl,
  },
  key: {
    value: 'key',
    env: 'ADAPTER_KEY',
    help: 'Adapter key. Prefer ADAPTER_KEY or the configuration file: other users can see flags',
    type: Credential,
    isSecret: true,
  },
  ca: {
    value: 'file',
    env: 'EDGE_CA',
    help: 'PEM file with certificates of authorities to trust as well: that of your company, for its edge or its proxy. The proxy itself is set by HTTPS_PROXY and NO_PROXY',
    type: Text,
  },
  ...LISTENER_SETTINGS,
  'sip-next-hop': {
    value: 'uri',
    env: 'SIP_NEXT_HOP',
    default: 'sip:127.0.0.1:5060',
    help: 'SIP address of OpenSIPS itself. Calls are sent there, so that they pass its routing script',
    type: SipUri,
  },
  name: {
    value: 'name',
    env: 'ADAPTER_NAME',
    default: hostname() || 'adapter',
    help: 'Name of this adapter. Keep it the same across restarts',
    type: AdapterName,
  },
  events: {
    value: 'host:port',
    env: 'EVI_LISTEN',
    defaultHelp: 'the address of this machine that reaches OpenSIPS, and any free port',
    help: 'Local IPv4 address on which to receive events. OpenSIPS must be able to reach it. Required if --opensips is an IPv6 address other than [::1]: events are accepted from the first address that sends one then, so let a firewall pass OpenSIPS only',
    type: EventsAddress,
  },
  allow: {
    value: 'method,…',
    env: 'MI_ALLOW',
    default: ALLOWED_MI_COMMANDS.join(','),
    help: 'MI commands that the edge may run. MI has no authentication, so keep the list short',
    type: MiMethods,
  },
  buffer: {
    value: 'n',
    env: 'ADAPTER_BUFFER',
    default: '100000',
    help: 'Maximum number of messages to keep while the edge is not connected, 100 to 10000000',
    type: wholeNumber(100, 10_000_000),
  },
  subscription: {
    value: 'seconds',
    env: 'EVI_SUBSCRIPTION',
    default: '120',
    help: 'Lifetime of an event subscription, 20 to 86400. It is renewed after half of this time',
    // OpenSIPS is checked every 4 s: half of 20 s leaves time for a second check before the subscription lapses.
    type: wholeNumber(20, 86_400),
  },
  engine: {
    value: 'engine',
    env: 'ADAPTER_ENGINE',
    default: 'auto',
    help: 'auto sends transfers and holds as requests within the call (dlg_send_sequential), if this OpenSIPS can; callops always uses the commands of its callops module',
    type: oneOf(ENGINES, 'an engine'),
  },
  'fr-timeout': {
    value: 'seconds',
    env: 'FR_TIMEOUT',
    default: '30',
    help: 'How long OpenSIPS waits for a phone, 1 to 600: fr_timeout of its tm module. A value that is too small gives up on phones that would still answer',
    type: wholeNumber(1, 600),
  },
  'match-param': {
    value: 'name',
    env: 'MATCH_PARAM',
    default: 'osid',
    help: 'URI parameter by which OpenSIPS recognizes the new call of a transfer: match_param of its callops module',
    type: MatchParam,
  },
  'match-mode': {
    value: 'mode',
    env: 'MATCH_MODE',
    default: 'param',
    help: 'What that parameter has: param the id of the dialog, callid its Call-ID, manual nothing. It is mode of the callops module',
    type: oneOf(MATCH_MODES, 'a match mode'),
  },
  'set-up-from': {
    value: 'party',
    env: 'SET_UP_FROM',
    default: 'callee',
    help: 'The party in From of the call to the caller: callee, or caller as in the original Call API, for scripts that route on From',
    type: oneOf(PARTIES, 'a party'),
  },
  transport: {
    value: 'transport',
    env: 'SIP_TRANSPORT',
    help: `Transport of SIP addresses that have none: ${alternatives(TRANSPORTS)}`,
    type: oneOf(TRANSPORTS, 'a transport'),
  },
  'log-level': {
    value: 'level',
    env: 'LOG_LEVEL',
    default: 'info',
    help: `Least severe level to log: ${alternatives(LOG_LEVELS)}`,
    type: oneOf(LOG_LEVELS, 'a log level'),
  },
  check: {
    env: 'ADAPTER_CHECK',
    default: 'false',
    help: 'Check the way to the edge step by step, show what fails and what to do, and exit. It disturbs no running adapter',
    type: Switch,
  },
  config: {
    value: 'file',
    env: 'ADAPTER_CONFIG',
    help: 'JSON file with the names of these flags as keys, such as {"edge": "wss://…", "key": "…"}',
    type: Text,
  },
} as const satisfies Definitions;

const MANUAL: Manual = {
  introduction: `call-api adapter: runs beside OpenSIPS and connects it to the edge.

  node adapter/main.ts [flags]`,
  exitCodes: {
    0: 'stopped by SIGINT or SIGTERM; with --check: no fault found',
    1: 'unexpected error',
    2: 'invalid setting',
    3: '--check has found a fault',
  },
};

/**
 * Reads the settings. Pure but for `readFile`, which gets the path of `--config` and may throw.
 * @param argv the arguments after the program's name
 */
export function readSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): Reading {
  const reading = readCommandLine(SETTINGS, MANUAL, argv, { env, readFile });
  if (!('values' in reading)) return reading;
  const {
    'sip-next-hop': sipNextHop,
    'log-level': logLevel,
    'fr-timeout': frTimeout,
    'match-param': param,
    'match-mode': mode,
    'set-up-from': setUpFrom,
    allow,
    ca,
    config: _,
    listen: _listen,
    'public-url': _publicUrl,
    'tls-cert': _tlsCert,
    'tls-key': _tlsKey,
    'client-ca': _clientCa,
    ...rest
  } = reading.values;
  const caSetting = { path: ca, name: reading.origins.ca?.name ?? '--ca' };
  const network = readNetwork(rest.edge, caSetting, env, readFile);
  const nameOf = (flag: keyof typeof SETTINGS) => reading.origins[flag]?.name ?? `--${flag}`;
  const listener = readListener(reading.values, nameOf, readFile);
  const errors = [network, listener].flatMap((part) => ('errors' in part ? part.errors : []));
  if ('errors' in network || 'errors' in listener) return { errors };
  return {
    settings: {
      ...rest,
      ...listener,
      network,
      sipNextHop,
      logLevel,
      frTimeoutMs: frTimeout * 1_000,
      matching: { mode, param },
      setUpFrom,
      allow: new Set(allow),
    },
  };
}
