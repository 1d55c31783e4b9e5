/** The Worker's way to the object of a visitor's site. @module */
import type { Admitted } from './admitted.ts';
import type { Visitor } from './door/visitor.ts';
import type { Env } from './env.ts';
import { CALLER_HEADER, type Switchboard } from './switchboard.ts';

/** The object; it is made near where the visitor's site is said to be. */
export function siteOf(env: Env, { place, locationHint }: Visitor<unknown>): DurableObjectStub<Switchboard> {
  const near = locationHint === undefined ? {} : { locationHint };
  return env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(place), near);
}

/** Asks the object for a socket, without whatever secrets the visitor's own request carries. */
export function socketOf(env: Env, visitor: Visitor<unknown>, admitted: Admitted): Promise<Response> {
  const headers = { Upgrade: 'websocket', [CALLER_HEADER]: ascii(JSON.stringify(admitted)) };
  return siteOf(env, visitor).fetch('https://switchboard/', { headers });
}

/** The same JSON in ASCII, all that a header holds: patterns of a tenant's rules may be of any script. */
function ascii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
