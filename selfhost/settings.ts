/** The settings of `npm start`, and the text of its `--help`. @module */
import { join, resolve } from 'node:path';
import { type CommandLine, type Manual, readCommandLine } from '../shared/settings/command-line.ts';
import type { Definitions, Values } from '../shared/settings/settings.ts';
import { hostPort, IpAddress, Networks, Port, SipUri, Switch, Text } from '../shared/settings/value-types.ts';

const SETTINGS = {
  opensips: {
    value: 'host:port',
    env: 'SELFHOST_OPENSIPS',
    defaultHelp: 'the simulator',
    help: 'UDP address of the MI of an OpenSIPS to use instead of the simulator. Other settings of its adapter are taken from the environment: npm run adapter -- --help',
    type: hostPort(),
  },
  'sip-next-hop': {
    value: 'uri',
    env: 'SELFHOST_SIP_NEXT_HOP',
    defaultHelp: 'sip:HOST:5060, with the host of --opensips',
    help: 'SIP address of that OpenSIPS itself. Calls are sent there, so that they pass its routing script',
    type: SipUri,
  },
  port: {
    value: 'port',
    env: 'SELFHOST_PORT',
    default: '5059',
    help: 'TCP port of the edge, 1 to 65535',
    type: Port,
  },
  host: {
    value: 'address',
    env: 'SELFHOST_HOST',
    defaultHelp: 'this machine only',
    help: 'With --tenants: IP address to listen on, in addition to loopback; 0.0.0.0 for all. Without TLS, keys and calls can be read on the way: put a TLS proxy before it',
    type: IpAddress,
  },
  data: {
    value: 'dir',
    env: 'SELFHOST_DATA',
    default: join(resolve(import.meta.dirname, '..'), '.data'),
    help: 'Folder in which calls, commands, tenants and secrets are stored',
    type: Text,
  },
  tenants: {
    env: 'SELFHOST_TENANTS',
    default: 'no',
    help: 'Serve tenants with API keys, as a deployment does. Start their adapters yourself: npm run adapter -- --help',
    type: Switch,
  },
  dial: {
    env: 'SELFHOST_DIAL',
    default: 'no',
    help: 'Let the edge connect to the adapter, instead of the adapter to the edge. With --tenants: sites may have adapters on this machine dialed, over http',
    type: Switch,
  },
  'trusted-proxy': {
    value: 'networks',
    env: 'SELFHOST_TRUSTED_PROXY',
    defaultHelp: 'proxies on this machine',
    help: 'IP addresses or networks (CIDR) of the TLS proxies, separated by commas. X-Forwarded-… headers of others are ignored',
    type: Networks,
  },
  'webhooks-to-private': {
    env: 'SELFHOST_WEBHOOKS_TO_PRIVATE',
    default: 'no',
    help: 'With --tenants: allow webhooks to this machine and to private networks, and over http. Otherwise they may go to public addresses over https only',
    type: Switch,
  },
  config: {
    value: 'file',
    env: 'SELFHOST_CONFIG',
    help: 'JSON file with the names of these flags as keys, such as {"port": 5060}',
    type: Text,
  },
} as const satisfies Definitions;

/** The exit codes of `npm start`. */
export const EXIT = { stopped: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const MANUAL: Manual = {
  introduction: `npm start -- [flags]

Starts the edge, an adapter and an OpenSIPS simulator on this machine.`,
  exitCodes: {
    [EXIT.stopped]: 'stopped by Ctrl-C or SIGTERM',
    [EXIT.failed]: 'a part did not start: the message says which. A part that ends later is started again',
    [EXIT.usage]: 'invalid setting: nothing was started',
    [EXIT.interrupted]: 'stopped by Ctrl-C or SIGTERM before everything was up',
  },
};

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
  const reading = readCommandLine(SETTINGS, MANUAL, argv, { env, readFile });
  if (!('values' in reading)) return reading;
  const { values, origins } = reading;
  const nameOf = (name: keyof typeof SETTINGS) => origins[name]?.name ?? `--${name}`;
  const errors: string[] = [];
  if (values.tenants)
    for (const name of ['opensips', 'sip-next-hop'] as const)
      if (values[name] !== undefined)
        errors.push(
          `${nameOf(name)}: has no effect with --tenants. Give it to the adapter of a site instead: npm run adapter -- --help.`,
        );
  if (values.host !== undefined && !values.tenants)
    errors.push(`${nameOf('host')}: needs --tenants, because the open tenant has no keys.`);
  if (values['webhooks-to-private'] && !values.tenants)
    errors.push(`${nameOf('webhooks-to-private')}: needs --tenants, because only tenants have webhooks.`);
  return errors.length > 0 ? { errors } : reading;
}
