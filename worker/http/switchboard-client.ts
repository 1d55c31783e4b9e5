/** How the Worker reaches the Switchboard of an authenticated principal's site. @module */
import type { Authenticated } from '../auth/authenticated.ts';
import type { Connection } from '../auth/principal.ts';
import { CONNECTION_HEADER, type Switchboard } from '../switchboard/switchboard.ts';

/** Returns the site's object, which is created near the location of the site. */
export function switchboardOf(
  env: Env,
  { siteName, locationHint }: Pick<Authenticated<unknown>, 'siteName' | 'locationHint'>,
): DurableObjectStub<Switchboard> {
  const hint = locationHint === undefined ? {} : { locationHint };
  return env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(siteName), hint);
}

/** Opens a socket to the site's object. The request carries none of the credentials of the original request. */
export function openSocket(
  env: Env,
  authenticated: Authenticated<unknown>,
  connection: Connection,
): Promise<Response> {
  const [tenant = ''] = authenticated.siteName.split('/');
  const json = JSON.stringify({ ...connection, tenant });
  const headers = { Upgrade: 'websocket', [CONNECTION_HEADER]: escapeNonAscii(json) };
  return switchboardOf(env, authenticated).fetch('https://switchboard/', { headers });
}

/** Escapes JSON for a header, which is ASCII: the patterns of a tenant's rules may be in any script. */
function escapeNonAscii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
