/** Lets in whom the tenants let in. What is made up is refused here, before any object is touched. @module */
import { Id } from '../../shared/policy.ts';
import type { Env } from '../env.ts';
import type { Admission } from '../tenant/admission.ts';
import type { Admissions } from './admissions.ts';
import { hashSecret, type Role, readKey } from './api-keys.ts';
import { credentialOf } from './credentials.ts';
import type { Door } from './door.ts';
import { type Claims, verifyToken } from './tokens.ts';
import { type Adapter, type Client, type Refusal, UNKNOWN, type Visitor } from './visitor.ts';

type Granted = Extract<Admission, { readonly ok: true }>;

/** A key that holds, and what its tenant says of it. */
export interface HeldKey {
  readonly tenant: string;
  readonly id: string;
  readonly admission: Granted;
}

const NAME_THE_SITE: Refusal = {
  status: 400,
  reason: 'this key is for several sites: name one of them, as ?site=…',
};

const WRONG_ORIGIN: Refusal = {
  status: 403,
  reason: 'web pages of this origin may not come in; an administrator can add it to those of the tenant',
};

/** The door of a deployment: keys and tokens of its tenants, and nothing else. */
export class TenantsDoor implements Door {
  readonly #admissions: Admissions;
  readonly #now: () => number;

  /** @param now the time, in Unix milliseconds */
  constructor(admissions: Admissions, now: () => number = Date.now) {
    this.#admissions = admissions;
    this.#now = now;
  }

  async client(request: Request, env: Env): Promise<Visitor<Client> | Refusal> {
    const claims = await verifyToken(credentialOf(request) ?? '', env, this.#now());
    return claims ? this.#byToken(claims, request, env) : this.#byKey(request, env);
  }

  async adapter(request: Request, env: Env): Promise<Visitor<Adapter> | Refusal> {
    const held = await this.key('adapter', request, env);
    if ('status' in held) return held;
    const { tenant, id, admission } = held;
    if (admission.site === null) return UNKNOWN;
    const who: Adapter = { role: 'adapter', key: id, policy: admission.policy };
    return visitor(tenant, admission.site, admission, who);
  }

  /**
   * The API key that a request brings.
   * @param site where it must hold; the one that it is for, or any, if not said
   */
  async key(role: Role, request: Request, env: Env, site?: string): Promise<HeldKey | Refusal> {
    const key = await readKey(credentialOf(request) ?? '', env);
    if (key?.role !== role || (site !== undefined && !Id.safeParse(site).success)) return UNKNOWN;
    const { tenant, id } = key;
    const petition = {
      key: id,
      secretHash: await hashSecret(key.secret),
      ...(site === undefined ? {} : { site }),
    };
    const admission = await this.#admissions.ask(tenant, petition, env, this.#now());
    if (!admission.ok || admission.role !== role) return UNKNOWN;
    return mayCome(request, admission) ? { tenant, id, admission } : WRONG_ORIGIN;
  }

  async #byKey(request: Request, env: Env): Promise<Visitor<Client> | Refusal> {
    const asked = new URL(request.url).searchParams.get('site') ?? undefined;
    const held = await this.key('api', request, env, asked);
    if ('status' in held) return held;
    const { tenant, id, admission } = held;
    const site = asked ?? admission.site;
    if (site === null) return NAME_THE_SITE;
    const { scopes, policy } = admission;
    const who: Client = { role: 'client', subject: `key:${id}`, key: id, scopes, policy };
    return visitor(tenant, site, admission, who);
  }

  /** A token may do what its key may still do. */
  async #byToken(claims: Claims, request: Request, env: Env): Promise<Visitor<Client> | Refusal> {
    const { tenant, site, key, subject, caller, expires } = claims;
    const admission = await this.#admissions.ask(tenant, { key, site }, env, this.#now());
    if (!admission.ok || admission.role !== 'api') return UNKNOWN;
    if (!mayCome(request, admission)) return WRONG_ORIGIN;
    const scopes = claims.scopes.filter((scope) => admission.scopes.includes(scope));
    const bound = caller === undefined ? {} : { caller };
    const { policy } = admission;
    const who: Client = { role: 'client', subject, key, scopes, expires, policy, ...bound };
    return visitor(tenant, site, admission, who);
  }
}

function visitor<Who>(tenant: string, site: string, { locationHint }: Granted, who: Who): Visitor<Who> {
  return { place: `${tenant}/${site}`, who, ...(locationHint === undefined ? {} : { locationHint }) };
}

/**
 * Browsers say of which page a request is, and no page can make them lie (RFC 6454 §7). Others say nothing. The only
 * page of this origin is the console, which is as trustworthy as the Worker that serves it.
 */
function mayCome(request: Request, { origins }: Granted): boolean {
  const origin = request.headers.get('Origin');
  if (origin === null || origin === new URL(request.url).origin) return true;
  return origins.includes('*') || origins.includes(origin);
}
