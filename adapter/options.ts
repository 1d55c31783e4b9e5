/**
 * The adapter's settings by name, and the text of `--help` made of them.
 * @module
 */
import { hostname } from 'node:os';
import { ALLOWED_MI } from '../shared/mi.ts';

/** One setting: its flag (also its key in the file), its variable, and what `--help` says of it. */
interface Option {
  readonly value: string;
  readonly env: string;
  readonly fallback: string | undefined;
  readonly help: string;
}

/** Everything that can be set; the name is the flag, and the key in the file. */
export const OPTIONS = {
  opensips: {
    value: 'HOST:PORT',
    env: 'OPENSIPS_MI',
    fallback: '127.0.0.1:8080',
    help: 'where OpenSIPS takes MI datagrams (mi_datagram, socket_name)',
  },
  edge: {
    value: 'URL',
    env: 'EDGE_URL',
    fallback: 'ws://127.0.0.1:5059/adapter',
    help: 'the edge to connect to, ws:// or wss://',
  },
  key: {
    value: 'KEY',
    env: 'ADAPTER_KEY',
    fallback: undefined,
    help: "the adapter's key; a flag can be read in the list of processes, so prefer the variable or the file",
  },
  'sip-next-hop': {
    value: 'URI',
    env: 'SIP_NEXT_HOP',
    fallback: 'sip:127.0.0.1:5060',
    help: "OpenSIPS's own SIP address, so that calls pass its routing script",
  },
  name: {
    value: 'NAME',
    env: 'ADAPTER_NAME',
    fallback: hostname() || 'adapter',
    help: 'a name for this adapter, the same across restarts',
  },
  events: {
    value: 'HOST:PORT',
    env: 'EVI_LISTEN',
    fallback: undefined,
    help: 'local IPv4 address for events, which OpenSIPS must reach; otherwise found by itself, any port',
  },
  allow: {
    value: 'METHOD,…',
    env: 'MI_ALLOW',
    fallback: ALLOWED_MI.join(','),
    help: 'MI commands that the edge may run; MI has no authentication, so keep the list short',
  },
  buffer: {
    value: 'N',
    env: 'ADAPTER_BUFFER',
    fallback: '100000',
    help: 'messages kept while the edge is away',
  },
  subscription: {
    value: 'SECONDS',
    env: 'EVI_SUBSCRIPTION',
    fallback: '120',
    help: 'life of an event subscription; it is renewed at half of it',
  },
  'log-level': {
    value: 'LEVEL',
    env: 'LOG_LEVEL',
    fallback: 'info',
    help: 'trace, debug, info, warn, error, fatal or silent',
  },
} as const satisfies Record<string, Option>;

export type Name = keyof typeof OPTIONS;
export const NAMES = Object.keys(OPTIONS) as Name[];
/** The variable that names the file. */
export const CONFIG_ENV = 'ADAPTER_CONFIG';

/** The text of `--help`. */
export function help(): string {
  const rows = NAMES.map((name) => {
    const { value, env, fallback, help: text }: Option = OPTIONS[name];
    const standard = fallback === undefined ? '' : `\n      default: ${fallback}`;
    return `  --${name} ${value}   (${env})\n      ${text}${standard}`;
  });
  return `call-api adapter: stands beside OpenSIPS and connects it to the edge.

  node adapter/main.ts [flags]

A flag goes before the variable in brackets, and that before the file.

${rows.join('\n')}
  --config FILE   (${CONFIG_ENV})
      a JSON file with the same names as keys, such as {"edge": "wss://…", "key": "…"}
  --help, -h
      this text
`;
}
