/**
 * `GET /healthz`: whether the service works. It does not where nothing can be stored, so an object writes a row, at most one in
 * some seconds: that of the site for clients with the scope `read`, and the directory for everyone else.
 * @module
 */
import { waitUntil } from 'cloudflare:workers';
import type { Authenticated } from '../auth/authenticated.ts';
import type { ClientPrincipal } from '../auth/principal.ts';
import type { SiteHealth } from '../switchboard/switchboard.ts';
import { DIRECTORY_NAME } from '../tenant/directory.ts';
import { redact } from './redact.ts';
import { switchboardOf } from './switchboard-client.ts';

/** The reason of a 503. */
export const CANNOT_STORE =
  'The service cannot store data: its disk or storage is full, or failing. Free space, and read the log.';

/** How long the answer of the directory is cached in an isolate, in milliseconds: everybody may ask. */
const CACHED_MS = 5_000;

let cached: { readonly at: number; readonly canStore: Promise<boolean> } | undefined;

/**
 * Returns what `/healthz` shows to a client, beside `status` and `version`; undefined if nothing can be stored.
 * @param client absent without a valid credential
 */
export async function healthOf(
  env: Env,
  client: Authenticated<ClientPrincipal> | undefined,
): Promise<object | undefined> {
  if (client?.principal.scopes.includes('read')) {
    const site = await siteHealth(env, client);
    if (site === undefined) return undefined;
    if (site !== null) return { site: client.siteName, ...site };
  }
  return (await canStore(env, Date.now())) ? {} : undefined;
}

/**
 * Returns the state of the site; null for a client that is not shown it: its key is revoked, or it asks too often; undefined if the
 * site cannot store anything.
 */
async function siteHealth(
  env: Env,
  client: Authenticated<ClientPrincipal>,
): Promise<SiteHealth | null | undefined> {
  try {
    const { key, subject } = client.principal;
    return await switchboardOf(env, client).health(key, subject);
  } catch (error) {
    console.error(redact(`The health of ${client.siteName} is unknown: ${error}`));
    return undefined;
  }
}

/** Returns whether the directory can store data, which may be {@link CACHED_MS} old. */
function canStore(env: Env, now: number): Promise<boolean> {
  if (cached && now >= cached.at && now < cached.at + CACHED_MS) return cached.canStore;
  const directory = env.DIRECTORY.get(env.DIRECTORY.idFromName(DIRECTORY_NAME));
  const asked = directory.checkStorage().then(
    () => true,
    (error: unknown) => {
      console.error(redact(`The directory cannot store data: ${error}`));
      return false;
    },
  );
  cached = { at: now, canStore: asked };
  // Other requests may wait for it, so it must survive when the first client disconnects.
  waitUntil(asked);
  return asked;
}
