/** The adapter's settings, and the text of its `--help`. @module */
import { hostname } from 'node:os';
import * as z from 'zod';
import { ALLOWED_MI_COMMANDS } from '../shared/opensips/mi.ts';
import { readCommandLine } from '../shared/settings/command-line.ts';
import type { Definitions } from '../shared/settings/settings.ts';
import {
  type Address,
  Credential,
  hostPort,
  SipUri,
  Text,
  urlOf,
  wholeNumber,
} from '../shared/settings/value-types.ts';

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
  readonly logLevel: string;
}

/** Settings, or a text to print (`--help`), or a sentence for each mistake. */
export type Reading =
  | { readonly settings: Settings }
  | { readonly help: string }
  | { readonly errors: readonly string[] };

const IPV4 = z.ipv4();

const EventsAddress = hostPort(0).refine(
  ({ host }) => IPV4.safeParse(host).success && host !== '0.0.0.0',
  'is not an IPv4 address that OpenSIPS can reach. Write it like 10.0.0.5:5061 (OpenSIPS speaks no IPv6 here).',
);

const MiMethods = z
  .string()
  .transform((text) => text.split(',').map((method) => method.trim()))
  .refine((methods) => methods.every((method) => /^[\w:]+$/.test(method)), {
    message: 'is not a list of MI commands. Write it like t_uac_dlg,dlg_list.',
  });

const LogLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
  error: 'is not a level. Use trace, debug, info, warn, error, fatal or silent.',
});

const SETTINGS = {
  opensips: {
    value: 'host:port',
    env: 'OPENSIPS_MI',
    default: '127.0.0.1:8080',
    help: 'where OpenSIPS takes MI datagrams (mi_datagram, socket_name)',
    type: hostPort(),
  },
  edge: {
    value: 'url',
    env: 'EDGE_URL',
    default: 'ws://127.0.0.1:5059/adapter',
    help: 'the edge to connect to, ws:// or wss://',
    type: urlOf(/^wss?$/, 'wss://calls.example.com/adapter'),
  },
  key: {
    value: 'key',
    env: 'ADAPTER_KEY',
    help: "the adapter's key; a flag can be read in the list of processes, so prefer the variable or the file",
    type: Credential,
    isSecret: true,
  },
  'sip-next-hop': {
    value: 'uri',
    env: 'SIP_NEXT_HOP',
    default: 'sip:127.0.0.1:5060',
    help: "OpenSIPS's own SIP address, so that calls pass its routing script",
    type: SipUri,
  },
  name: {
    value: 'name',
    env: 'ADAPTER_NAME',
    default: hostname() || 'adapter',
    help: 'a name for this adapter, the same across restarts',
    type: z.string().max(128, 'is longer than 128 characters. Use a shorter name.'),
  },
  events: {
    value: 'host:port',
    env: 'EVI_LISTEN',
    help: 'local IPv4 address for events, which OpenSIPS must reach; otherwise found by itself, any port',
    type: EventsAddress,
  },
  allow: {
    value: 'method,…',
    env: 'MI_ALLOW',
    default: ALLOWED_MI_COMMANDS.join(','),
    help: 'MI commands that the edge may run; MI has no authentication, so keep the list short',
    type: MiMethods,
  },
  buffer: {
    value: 'n',
    env: 'ADAPTER_BUFFER',
    default: '100000',
    help: 'messages kept while the edge is away',
    type: wholeNumber(100, 10_000_000),
  },
  subscription: {
    value: 'seconds',
    env: 'EVI_SUBSCRIPTION',
    default: '120',
    help: 'life of an event subscription; it is renewed at half of it',
    // OpenSIPS is checked every 4 s: half of 20 s leaves time for a second check before the subscription lapses.
    type: wholeNumber(20, 86_400),
  },
  'log-level': {
    value: 'level',
    env: 'LOG_LEVEL',
    default: 'info',
    help: 'trace, debug, info, warn, error, fatal or silent',
    type: LogLevel,
  },
  config: {
    value: 'file',
    env: 'ADAPTER_CONFIG',
    help: 'a JSON file with the same names as keys, such as {"edge": "wss://…", "key": "…"}',
    type: Text,
  },
} as const satisfies Definitions;

const INTRODUCTION = `call-api adapter: stands beside OpenSIPS and connects it to the edge.

  node adapter/main.ts [flags]`;

/**
 * Reads the settings. Pure but for `readFile`, which gets the path of `--config` and may throw.
 * @param argv the arguments after the program's name
 */
export function readSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): Reading {
  const reading = readCommandLine(SETTINGS, INTRODUCTION, argv, { env, readFile });
  if (!('values' in reading)) return reading;
  const { 'sip-next-hop': sipNextHop, 'log-level': logLevel, allow, config: _, ...rest } = reading.values;
  return { settings: { ...rest, sipNextHop, logLevel, allow: new Set(allow) } };
}
