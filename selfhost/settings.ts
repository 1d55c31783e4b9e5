/** The settings of `npm start`, and the text of its `--help`. @module */
import { join, resolve } from 'node:path';
import { type CommandLine, readCommandLine } from '../shared/settings/command-line.ts';
import type { Definitions, Values } from '../shared/settings/settings.ts';
import { hostPort, Port, SipUri, Switch, Text } from '../shared/settings/value-types.ts';

const SETTINGS = {
  opensips: {
    value: 'host:port',
    env: 'SELFHOST_OPENSIPS',
    help: 'use the OpenSIPS whose MI listens there (UDP) instead of the simulator',
    type: hostPort(),
  },
  'sip-next-hop': {
    value: 'uri',
    env: 'SELFHOST_SIP_NEXT_HOP',
    help: "that OpenSIPS's own SIP address, through which a first leg must pass; if not given: sip:HOST:5060",
    type: SipUri,
  },
  port: {
    value: 'port',
    env: 'SELFHOST_PORT',
    default: '5059',
    help: 'serve at this TCP port on loopback',
    type: Port,
  },
  data: {
    value: 'dir',
    env: 'SELFHOST_DATA',
    default: join(resolve(import.meta.dirname, '..'), '.data'),
    help: 'keep calls and commands there',
    type: Text,
  },
  tenants: {
    env: 'SELFHOST_TENANTS',
    default: 'no',
    help: 'serve tenants with keys of their own, as a deployment does, instead of the open one; the adapter runs where OpenSIPS is: npm run adapter -- --help',
    type: Switch,
  },
  'webhooks-to-private': {
    env: 'SELFHOST_WEBHOOKS_TO_PRIVATE',
    default: 'no',
    help: 'with --tenants: let webhooks go to this machine and to private networks too, and by http; without it, to public addresses by https only',
    type: Switch,
  },
  config: {
    value: 'file',
    env: 'SELFHOST_CONFIG',
    help: 'a JSON file with the same names as keys, such as {"port": 5060}',
    type: Text,
  },
} as const satisfies Definitions;

export type Settings = Values<typeof SETTINGS>;

/**
 * Reads the settings. Pure but for `readFile`, which gets the path of `--config` and may throw.
 * @param argv the arguments after the program's name
 */
export function readSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): CommandLine<typeof SETTINGS> {
  return readCommandLine(SETTINGS, 'npm start -- [flags]', argv, { env, readFile });
}
