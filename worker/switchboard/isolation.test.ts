/** Three tenants with three sites each, as deployed: none sees or reaches another, or can tell what exists there. */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { createApp } from '../app.ts';
import { GrantCache } from '../auth/grant-cache.ts';
import { TenantAuthenticator } from '../auth/tenant-authenticator.ts';
import { ScriptedAdapter } from '../testing/adapter.ts';
import { Client } from '../testing/client.ts';
import { statefulCalls } from '../testing/scenarios.ts';
import { acceptSocket } from '../testing/sockets.ts';

const TENANTS = ['acme', 'globex', 'initech'];
const SITES = ['north', 'south', 'west'];

const authenticator = new TenantAuthenticator(new GrantCache());
const worker = createApp(authenticator, authenticator);

const send = (path: string, init: RequestInit = {}) =>
  worker.fetch(new Request(`https://calls.example.com${path}`, init), env);

async function admin(method: string, path: string, body?: object): Promise<unknown> {
  const headers = { Authorization: `Bearer ${env.ADMIN_SECRET}` };
  const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
  const response = await send(`/v1/admin${path}`, init);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function createKey(tenant: string, body: object): Promise<string> {
  const { key } = (await admin('POST', `/tenants/${tenant}/keys`, body)) as { key: string };
  return key;
}

async function requestToken(key: string, body: object): Promise<string> {
  const headers = { Authorization: `Bearer ${key}` };
  const response = await send('/v1/tokens', { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`no token: ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}

const upgrade = (path: string, credential: string) =>
  send(path, { headers: { Upgrade: 'websocket', Authorization: `Bearer ${credential}` } });

const connect = async (path: string, credential: string) =>
  new Client(await acceptSocket(await upgrade(path, credential)));

interface Site {
  readonly tenant: string;
  readonly site: string;
  /** A key for all sites of the tenant. */
  readonly tenantKey: string;
  /** A key for this site. */
  readonly siteKey: string;
  readonly token: string;
  readonly adapter: ScriptedAdapter;
  /** The Call-ID of its only call, once it is made. */
  readonly callid: string;
}

const sites: Site[] = [];

beforeAll(async () => {
  for (const tenant of TENANTS) {
    await admin('POST', '/tenants', { id: tenant });
    for (const site of SITES) await admin('POST', `/tenants/${tenant}/sites`, { id: site });
    const tenantKey = await createKey(tenant, { role: 'api' });
    for (const site of SITES) {
      const siteKey = await createKey(tenant, { role: 'api', site });
      const adapterKey = await createKey(tenant, { role: 'adapter', site });
      const callid = `call-of-${tenant}-${site}`;
      const socket = await acceptSocket(await upgrade('/adapter', adapterKey));
      const adapter = await ScriptedAdapter.handshake(socket, statefulCalls(callid), {
        adapter: `${tenant}-${site}`,
      });
      const token = await requestToken(siteKey, { site, subject: 'alice', caller: 'sip:alice@example.com' });
      sites.push({ tenant, site, tenantKey, siteKey, token, adapter, callid });
    }
  }
});

it('runs the commands of a site on its own adapter, and sends no notification of another site', async () => {
  const clients = await Promise.all(sites.map(({ token }) => connect('/call-api?session=same', token)));
  const parties = { caller: 'sip:alice@example.com', callee: 'sip:bob@example.com' };
  const notifications = await Promise.all(
    clients.map(async (client) => {
      // The same `cmd_id` at every site: it is unique for a subject of a site only.
      const { result } = await client.request('CallStart', { ...parties, cmd_id: 'first' });
      expect(result).toEqual({ cmd_id: 'first', event: 'Started' });
      return client.untilEnded();
    }),
  );
  sites.forEach(({ callid, adapter }, index) => {
    const mentioned = JSON.stringify(notifications[index]).match(/call-of-\w+-\w+/g);
    expect(new Set(mentioned)).toEqual(new Set([callid]));
    expect(adapter.miRequests.filter(({ method }) => method === 't_uac_dlg')).toHaveLength(1);
  });
  for (const client of clients) client.socket.close();
});

it('rejects a key at another site or tenant as it does at a site that does not exist', async () => {
  const unknownSite = await (await upgrade('/call-api?site=no-such-site', sites[0]?.tenantKey ?? '')).text();
  for (const own of sites) {
    for (const site of SITES) {
      const byTenant = await upgrade(`/call-api?site=${site}`, own.tenantKey);
      expect(byTenant.status).toBe(101);
      byTenant.webSocket?.accept();
      byTenant.webSocket?.close();
      const bySite = await upgrade(`/call-api?site=${site}`, own.siteKey);
      expect(bySite.status, `${own.site} at ${site}`).toBe(site === own.site ? 101 : 401);
      if (bySite.status === 401) expect(await bySite.text()).toBe(unknownSite);
      bySite.webSocket?.accept();
      bySite.webSocket?.close();
    }
    for (const site of [...TENANTS, 'acme/north', '../globex/north', 'globex%2Fnorth']) {
      const response = await upgrade(`/call-api?site=${site}`, own.tenantKey);
      expect(response.status).toBe(401);
      expect(await response.text()).toBe(unknownSite);
    }
  }
});

it('answers for a call of another site as for one that does not exist, and its adapter receives nothing', async () => {
  const before = sites.map(({ adapter }) => adapter.miRequests.length);
  for (const own of sites) {
    const client = await connect('/call-api', own.token);
    const end = async (callid: string) => {
      await client.request('CallEnd', { callid });
      const notifications = await client.untilEnded();
      return notifications.map(({ event, data, error }) => ({ event, data, error }));
    };
    const unknown = await end('no-such-call');
    expect(unknown.map(({ event }) => event)).toEqual(['Error', 'Ended']);
    for (const other of sites) if (other !== own) expect(await end(other.callid)).toEqual(unknown);
    client.socket.close();
  }
  sites.forEach(({ adapter, callid, tenant, site }, index) => {
    // Those of its own client: for the unknown call, and for each call of the eight other sites.
    const requests = adapter.miRequests.slice(before[index]);
    expect(requests, `${tenant}/${site}`).toHaveLength(sites.length);
    expect(JSON.stringify(requests)).not.toContain(callid);
  });
});

it('accepts a token on an open socket only for the same tenant, site and subject', async () => {
  const [own, ...others] = sites;
  if (!own) throw new Error('no site');
  const client = await connect('/call-api', own.token);
  const ofBob = await requestToken(own.tenantKey, { site: own.site, subject: 'bob' });
  for (const token of [...others.map((other) => other.token), ofBob, 'garbage']) {
    expect(await client.request('Authorize', { token })).toMatchObject({ error: { code: -32002 } });
  }
  const renewed = await requestToken(own.tenantKey, {
    site: own.site,
    subject: 'alice',
    caller: 'sip:alice@example.com',
  });
  expect(await client.request('Authorize', { token: renewed })).toMatchObject({
    result: { expires: expect.any(String) },
  });
  client.socket.close();
});

it('closes the sockets of a revoked key and of its tokens, and no others', async () => {
  const [own, other] = sites;
  if (!own || !other) throw new Error('no sites');
  const key = await createKey(own.tenant, { role: 'api', site: own.site });
  const token = await requestToken(key, { subject: 'carol' });
  const byKey = await connect('/call-api', key);
  const byToken = await connect('/call-api', token);
  const bystanders = await Promise.all([connect('/call-api', own.token), connect('/call-api', other.token)]);
  const id = key.split('.')[4];
  await admin('DELETE', `/tenants/${own.tenant}/keys/${id}`);
  for (const client of [byKey, byToken]) expect((await client.socket.closed).code).toBe(4401);
  // The grant of the key may still be cached, but the site knows that it is revoked.
  for (const credential of [key, token]) expect((await upgrade('/call-api', credential)).status).toBe(401);
  for (const client of bystanders) {
    expect(await client.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
    client.socket.close();
  }
});
