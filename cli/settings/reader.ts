/** Reads settings from the flags that commander has parsed, the environment and the configuration file. @module */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { type Network, readNetwork } from '../../adapter/network/network.ts';
import { keysOf } from '../../shared/settings/config-file.ts';
import {
  type Definitions,
  describeDefault,
  type Origin,
  readSettings,
  type Values,
} from '../../shared/settings/settings.ts';
import { EXIT, Failure } from '../exit.ts';
import { ADMIN_SETTINGS, type CONNECTION, SETTINGS } from './definitions.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Values, and where each comes from. */
interface ReadValues<D extends Definitions> {
  readonly values: Values<D>;
  readonly origins: { readonly [N in keyof D]?: Origin };
}

const readText = (path: string) => readFileSync(path, 'utf8');

/** Flags by name, as the user writes them: `token-file`. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** Returns the option of commander for each setting. */
export function optionsFor(definitions: Definitions): Option[] {
  return Object.entries(definitions)
    .filter(([, { isEnvironmentOnly }]) => !isEnvironmentOnly)
    .map(([name, setting]) => {
      const { value, help, env } = setting;
      const flags = value === undefined ? `--${name}` : `--${name} <${value}>`;
      const variable = env === undefined ? '' : `; ${env}`;
      return new Option(flags, `${help} (default: ${describeDefault(setting)}${variable})`);
    });
}

/** Returns the flags of these settings among the options that commander has parsed, where `token-file` is `tokenFile`. */
export function flagsIn(definitions: Definitions, options: Readonly<Record<string, unknown>>): Flags {
  return Object.fromEntries(
    optionsFor(definitions).map((option) => {
      const value = options[option.attributeName()];
      return [option.name(), typeof value === 'string' ? value : undefined];
    }),
  );
}

/** Returns how the edge at a URL is reached; throws a {@link Failure} for a proxy or certificates that cannot be used. */
export function readEdgeNetwork(
  url: string,
  { values, origins }: ReadValues<typeof CONNECTION>,
  env: Environment,
  readFile = readText,
): Network {
  const ca = { path: values.ca, name: origins.ca?.name ?? '--ca' };
  const network = readNetwork(url, ca, env, readFile);
  if ('errors' in network) throw new Failure(EXIT.usage, network.errors.join('\n'));
  return network;
}

/** Returns the values and where they come from; throws a {@link Failure} that names every mistake. */
export function readValues<D extends Definitions>(
  definitions: D,
  flags: Flags,
  env: Environment,
  readFile = readText,
): ReadValues<D> {
  const home = env['XDG_CONFIG_HOME'] || (env['HOME'] && join(env['HOME'], '.config'));
  const reading = readSettings(definitions, {
    flags,
    env,
    readFile,
    defaultConfigPath: home ? join(home, 'call-api', 'config.json') : undefined,
    // One file is for all commands.
    configKeys: [...keysOf(SETTINGS), ...keysOf(ADMIN_SETTINGS)],
  });
  if ('errors' in reading) throw new Failure(EXIT.usage, reading.errors.join('\n'));
  return reading;
}
