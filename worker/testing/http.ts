/** HTTP clients of the Worker as it is deployed. @module */
import type { Call } from '../../shared/calls/call.ts';
import type { Policy } from '../../shared/policy/policy.ts';
import { createApp } from '../app.ts';
import { GrantCache } from '../auth/grant-cache.ts';
import { TenantAuthenticator } from '../auth/tenant-authenticator.ts';
import { type Claims, issueToken } from '../auth/tokens.ts';
import { policy, type TestSite } from './site.ts';
import { ACCESS_GRANT, scriptedTenants } from './tenants.ts';

/** All fields that the body of a response may have. */
export interface ResponseBody {
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

export interface ParsedResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ResponseBody;
}

/** The claims of a token. By default, it is for `sub:alice` with all scopes. */
export type TokenOptions = Partial<Claims>;

/** The only other origin that the tenant allows. */
export const ALLOWED_ORIGIN = 'https://app.example.com';

/** Returns the Worker, for tenants with the given policy. */
export function createDeployedWorker(
  tenantPolicy: Policy = policy(),
): (request: Request) => Promise<Response> {
  const authenticator = new TenantAuthenticator(new GrantCache());
  const grant = { ...ACCESS_GRANT, policy: tenantPolicy, origins: [ALLOWED_ORIGIN] };
  const { env } = scriptedTenants(() => grant);
  const worker = createApp(authenticator, authenticator);
  return async (request) => worker.fetch(request, env);
}

/** Returns a function that sends requests with a token. */
export async function createSender(site: TestSite, token: TokenOptions, tenantPolicy: Policy = policy()) {
  const { env } = scriptedTenants(() => ACCESS_GRANT);
  const claims = { tenant: site.tenant, site: site.site, subject: 'sub:alice', scopes: ACCESS_GRANT.scopes };
  const bearer = await issueToken({ ...claims, key: 'k1', expires: Date.now() + 60_000, ...token }, env);
  const fetch = createDeployedWorker(tenantPolicy);
  return (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${bearer}`);
    return fetch(new Request(`https://calls.example.com${path}`, { ...init, headers }));
  };
}

/** Returns a function that sends requests with a token and parses the responses. Objects are sent as JSON. */
export async function createHttpClient(
  site: TestSite,
  token: TokenOptions = {},
  tenantPolicy: Policy = policy(),
) {
  const send = await createSender(site, token, tenantPolicy);
  return async (method: string, path: string, body?: unknown, headers = {}): Promise<ParsedResponse> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await send(path, { method, headers, ...(text === undefined ? {} : { body: text }) });
    const responseText = await response.text();
    const parsed = responseText === '' ? '' : JSON.parse(responseText);
    return { status: response.status, headers: response.headers, body: parsed as ResponseBody };
  };
}
