/** Who may come in. @module */
import type { Env } from './env.ts';

/** A site of a tenant: the object's name, and whose commands these are. */
export interface Place {
  readonly site: string;
  readonly subject: string;
}

/** Why somebody stays outside. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly reason: string;
}

/** Decides about clients and adapters before any object is touched. */
export interface Admission {
  client(request: Request, env: Env): Promise<Place | Refusal>;
  adapter(request: Request, env: Env): Promise<Place | Refusal>;
}

/** The single site of a deployment that has no tenants yet. */
const SITE = 'main/main';

/** A deployed edge: one key for clients, one for the adapter, both secrets of the deployment. */
export const keys: Admission = {
  client: (request, env) => byKey(request, env.API_KEY, 'client'),
  adapter: (request, env) => byKey(request, env.ADAPTER_KEY, 'adapter'),
};

/** The same answer for a missing, an unknown and a wrong key. */
async function byKey(request: Request, key: string | undefined, subject: string): Promise<Place | Refusal> {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.get('Authorization') ?? '')?.[1];
  if (key && given && (await sameSecret(given, key))) return { site: SITE, subject };
  return { status: 401, reason: 'a key is needed: send it as Authorization: Bearer' };
}

/** Compares digests in constant time, so that neither content nor length shows in how long it takes. */
export async function sameSecret(one: string, other: string): Promise<boolean> {
  const encoder = new TextEncoder();
  const [a, b] = await Promise.all(
    [one, other].map((text) => crypto.subtle.digest('SHA-256', encoder.encode(text))),
  );
  return a !== undefined && b !== undefined && crypto.subtle.timingSafeEqual(a, b);
}
