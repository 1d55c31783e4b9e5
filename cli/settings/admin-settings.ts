/** Where the edge is, and with which secret: the settings of `call-api admin`. @module */
import { quote } from '../../shared/settings/quote.ts';
import { EXIT, Failure } from '../exit.ts';
import { ADMIN_SETTINGS } from './definitions.ts';
import { type Environment, type Flags, readValues } from './reader.ts';

export interface AdminSettings {
  /** The edge's origin, http or https. */
  readonly edge: string;
  readonly secret: string;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Reads the settings; throws a {@link Failure} that names every mistake. */
export function readAdminSettings(
  flags: Flags,
  env: Environment,
  readFile?: (path: string) => string,
): AdminSettings {
  const { values, origins } = readValues(ADMIN_SETTINGS, flags, env, readFile);
  const url = new URL(values.edge.replace(/^ws/i, 'http'));
  if (url.protocol === 'http:' && !LOOPBACK.includes(url.hostname))
    throw new Failure(
      EXIT.usage,
      `${origins.edge?.name}: ${quote(url.origin)} would send the admin secret unencrypted. Use https://.`,
    );
  if (values.secret === undefined)
    throw new Failure(EXIT.usage, 'The admin secret is missing. Set ADMIN_SECRET or use --secret-file.');
  return { edge: url.origin, secret: values.secret };
}
