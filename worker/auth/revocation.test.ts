/** A key that is revoked after its grant was cached: no route answers from the grant alone. */
import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { createApp } from '../app.ts';
import { GrantCache } from './grant-cache.ts';
import { TenantAuthenticator } from './tenant-authenticator.ts';

let app: ReturnType<typeof createApp>;
let tenant: string;
let tenantCount = 0;

async function request(method: string, path: string, credential: string, body?: unknown) {
  const headers = { Authorization: `Bearer ${credential}` };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return app.fetch(new Request(`https://calls.example.com${path}`, init), env);
}

async function admin<T = unknown>(method: string, path: string, body?: object): Promise<T> {
  const response = await request(method, `/v1/admin/tenants${path}`, env.ADMIN_SECRET ?? '', body);
  expect(response.ok, `${method} ${path}`).toBe(true);
  return (await response.json()) as T;
}

/** Returns the text of a new key with all scopes, and its id. */
async function createKey(body: object) {
  const { key } = await admin<{ key: string }>('POST', `/${tenant}/keys`, { role: 'api', ...body });
  return { key, id: key.split('.')[4] ?? '' };
}

beforeEach(async () => {
  const authenticator = new TenantAuthenticator(new GrantCache());
  app = createApp(authenticator, authenticator);
  tenant = `revoked-${++tenantCount}`;
  await admin('POST', '', { id: tenant });
  await admin('POST', `/${tenant}/sites`, { id: 'north' });
});

/** The routes that answer a client, with what shows that it was accepted. */
const ROUTES = [
  ['GET', '/v1/me', undefined],
  ['GET', '/v1/calls', undefined],
  ['GET', '/v1/calls/x', undefined],
  ['GET', '/v1/events', undefined],
  ['GET', '/v1/commands/x', undefined],
  ['POST', '/v1/rpc', { jsonrpc: '2.0', id: 1, method: 'Echo' }],
] as const;

async function isAccepted(method: string, path: string, credential: string, body?: unknown) {
  const response = await request(method, path, credential, body);
  await response.body?.cancel();
  return response.status !== 401;
}

it('is refused on every route at once, and so are its tokens', async () => {
  const { key, id } = await createKey({ site: 'north' });
  const token = await mint(key);
  const credentials = [key, token ?? ''];
  for (const credential of credentials) {
    for (const [method, path, body] of ROUTES)
      expect(await isAccepted(method, path, credential, body), path).toBe(true);
    expect(await shownSite(credential)).toBe(`${tenant}/north`);
  }
  await admin('DELETE', `/${tenant}/keys/${id}`);
  for (const credential of credentials) {
    for (const [method, path, body] of ROUTES)
      expect(await isAccepted(method, path, credential, body), path).toBe(false);
    expect(await shownSite(credential)).toBeUndefined();
  }
});

it('issues no token, and nothing is recorded in the audit trail', async () => {
  const keys = [await createKey({ site: 'north' }), await createKey({})];
  for (const { key } of keys) expect(await mint(key)).toBeDefined();
  for (const { id } of keys) await admin('DELETE', `/${tenant}/keys/${id}`);
  const before = await mintCount();
  for (const { key } of keys) expect(await mint(key)).toBeUndefined();
  expect(await mintCount()).toBe(before);
});

it('issues no token for a site that was deleted', async () => {
  const { key } = await createKey({});
  expect(await mint(key)).toBeDefined();
  await admin('DELETE', `/${tenant}/sites/north`);
  expect(await mint(key)).toBeUndefined();
});

/** Returns a token, or undefined if the key is refused. */
async function mint(key: string): Promise<string | undefined> {
  const response = await request('POST', '/v1/tokens', key, { site: 'north', subject: 'alice' });
  if (response.status === 401) return undefined;
  return ((await response.json()) as { token: string }).token;
}

async function mintCount(): Promise<number> {
  const { entries } = await admin<{ entries: { action: string }[] }>('GET', `/${tenant}/audit`);
  return entries.filter(({ action }) => action === 'token.mint').length;
}

/** Returns the site whose state `/healthz` shows. */
async function shownSite(credential: string): Promise<string | undefined> {
  const response = await request('GET', '/healthz', credential);
  expect(response.status).toBe(200);
  return ((await response.json()) as { site?: string }).site;
}
