/** Those who ask over HTTP, of the Worker as it is deployed. @module */
import type { Call } from '../../shared/calls.ts';
import type { Policy } from '../../shared/policy.ts';
import { app } from '../app.ts';
import { TenantsDoor } from '../door/admission.ts';
import { Admissions } from '../door/admissions.ts';
import { type Claims, mintToken } from '../door/tokens.ts';
import { policy, type Site } from './site.ts';
import { GRANTED, tenantsThat } from './tenants.ts';

/** What an answer may hold. */
export interface Body {
  readonly cmd_id?: string;
  readonly event?: string;
  readonly replayed?: boolean;
  readonly state?: string;
  readonly events?: readonly { readonly event: string; readonly data?: unknown }[];
  readonly call?: Call;
  readonly calls?: readonly Call[];
  readonly error?: { readonly code: number; readonly data?: unknown };
  readonly code?: number;
  readonly type?: string;
  readonly detail?: string;
  readonly limit?: string;
  readonly retry_after?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** What a token says; what is not said is alice's, who may do all. */
export type Token = Partial<Claims>;

/** The only page of another origin that the tenant lets in. */
export const PAGE = 'https://app.example.com';

/** The Worker, before tenants of that policy. */
export function deployed(of: Policy = policy()): (request: Request) => Promise<Response> {
  const tenants = new TenantsDoor(new Admissions());
  const { env } = tenantsThat(() => ({ ...GRANTED, policy: of, origins: [PAGE] }));
  const worker = app(tenants, tenants);
  return async (request) => worker.fetch(request, env);
}

/** Sends a request as it is with that token. */
export async function sender(site: Site, token: Token, of: Policy = policy()) {
  const { env } = tenantsThat(() => GRANTED);
  const claims = { tenant: site.tenant, site: site.site, subject: 'sub:alice', scopes: GRANTED.scopes };
  const bearer = await mintToken({ ...claims, key: 'k1', expires: Date.now() + 60_000, ...token }, env);
  const fetch = deployed(of);
  return (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${bearer}`);
    return fetch(new Request(`https://calls.example.com${path}`, { ...init, headers }));
  };
}

/** One who asks with that token, and reads the answer; a body that is no text is sent as JSON. */
export async function caller(site: Site, token: Token = {}, of: Policy = policy()) {
  const send = await sender(site, token, of);
  return async (verb: string, path: string, body?: unknown, headers = {}): Promise<Answer> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await send(path, {
      method: verb,
      headers,
      ...(text === undefined ? {} : { body: text }),
    });
    const said = await response.text();
    const read = said === '' ? '' : JSON.parse(said);
    return { status: response.status, headers: response.headers, body: read as Body };
  };
}
