/** Where the edge is, and with which secret: the settings of `call-api admin`. @module */
import type { Network } from '../../adapter/network/network.ts';
import { quote } from '../../shared/settings/quote.ts';
import { EXIT, Failure } from '../exit.ts';
import { ADMIN_SETTINGS } from './definitions.ts';
import { type Environment, type Flags, readEdgeNetwork, readValues } from './reader.ts';

export interface AdminSettings {
  /** The edge's origin, http or https. */
  readonly edge: string;
  readonly secret: string;
  /** How the edge is reached. */
  readonly network: Network;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Reads the settings; throws a {@link Failure} that names every mistake. */
export function readAdminSettings(
  flags: Flags,
  env: Environment,
  readFile?: (path: string) => string,
): AdminSettings {
  const reading = readValues(ADMIN_SETTINGS, flags, env, readFile);
  const { values, origins } = reading;
  const url = new URL(values.edge.replace(/^ws/i, 'http'));
  if (url.protocol === 'http:' && !LOOPBACK.includes(url.hostname))
    throw new Failure(
      EXIT.usage,
      `${origins.edge?.name}: ${quote(url.origin)} would send the admin secret unencrypted. Use https://.`,
    );
  if (values.secret === undefined)
    throw new Failure(EXIT.usage, 'The admin secret is missing. Set ADMIN_SECRET or use --secret-file.');
  const network = readEdgeNetwork(url.origin, reading, env, readFile);
  return { edge: url.origin, secret: values.secret, network };
}
