/** Three tenants with three sites each, as deployed: nobody sees, reaches or can even tell what is another's. */
import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { app } from './app.ts';
import { TenantsDoor } from './door/admission.ts';
import { Admissions } from './door/admissions.ts';
import { ScriptedAdapter } from './testing/adapter.ts';
import { Client } from './testing/client.ts';
import { callsMade } from './testing/scenarios.ts';
import { taken } from './testing/sockets.ts';

const TENANTS = ['acme', 'globex', 'initech'];
const SITES = ['north', 'south', 'west'];
const PLACES = TENANTS.flatMap((tenant) => SITES.map((site) => ({ tenant, site })));

const door = new TenantsDoor(new Admissions());
const worker = app(door, door);
const WS = { Upgrade: 'websocket' };

const ask = (path: string, init: RequestInit = {}) =>
  worker.fetch(new Request(`https://calls.example.com${path}`, init), env);

async function admin(method: string, path: string, body?: object): Promise<unknown> {
  const headers = { Authorization: `Bearer ${env.ADMIN_SECRET}` };
  const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
  const response = await ask(`/v1/admin${path}`, init);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function makeKey(tenant: string, body: object): Promise<string> {
  const { key } = (await admin('POST', `/tenants/${tenant}/keys`, body)) as { key: string };
  return key;
}

async function mint(key: string, wish: object): Promise<string> {
  const headers = { Authorization: `Bearer ${key}` };
  const response = await ask('/v1/tokens', { method: 'POST', headers, body: JSON.stringify(wish) });
  if (!response.ok) throw new Error(`no token: ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}

const upgrade = (path: string, credential: string) =>
  ask(path, { headers: { ...WS, Authorization: `Bearer ${credential}` } });

const connect = async (path: string, credential: string) =>
  new Client(await taken(await upgrade(path, credential)));

interface Site {
  readonly tenant: string;
  readonly site: string;
  /** For all sites of the tenant. */
  readonly tenantKey: string;
  /** For this one. */
  readonly siteKey: string;
  readonly token: string;
  readonly adapter: ScriptedAdapter;
  /** Its own one call, once it is made. */
  readonly callid: string;
}

const sites: Site[] = [];

beforeAll(async () => {
  for (const tenant of TENANTS) {
    await admin('POST', '/tenants', { id: tenant });
    for (const site of SITES) await admin('POST', `/tenants/${tenant}/sites`, { id: site });
    const tenantKey = await makeKey(tenant, { role: 'api' });
    for (const site of SITES) {
      const siteKey = await makeKey(tenant, { role: 'api', site });
      const adapterKey = await makeKey(tenant, { role: 'adapter', site });
      const callid = `call-of-${tenant}-${site}`;
      const socket = await taken(await upgrade('/adapter', adapterKey));
      const adapter = await ScriptedAdapter.greet(socket, callsMade(callid), {
        adapter: `${tenant}-${site}`,
      });
      const token = await mint(siteKey, { site, subject: 'alice', caller: 'sip:alice@example.com' });
      sites.push({ tenant, site, tenantKey, siteKey, token, adapter, callid });
    }
  }
});

it('each makes its own call through its own adapter, and is told of no other', async () => {
  const clients = await Promise.all(sites.map(({ token }) => connect('/call-api?session=same', token)));
  const parties = { caller: 'sip:alice@example.com', callee: 'sip:bob@example.com' };
  const told = await Promise.all(
    clients.map(async (client) => {
      // The same name everywhere: names are of a site and a subject.
      const { result } = await client.ask('CallStart', { ...parties, cmd_id: 'first' });
      expect(result).toEqual({ cmd_id: 'first', event: 'Started' });
      return client.toEnd();
    }),
  );
  sites.forEach(({ callid, adapter }, n) => {
    const mentioned = JSON.stringify(told[n]).match(/call-of-\w+-\w+/g);
    expect(new Set(mentioned)).toEqual(new Set([callid]));
    expect(adapter.asked.filter(({ method }) => method === 't_uac_dlg')).toHaveLength(1);
  });
  for (const client of clients) client.socket.close();
});

it('a key or a token is for its own place: elsewhere is answered as what does not exist', async () => {
  const nowhere = await (await upgrade('/call-api?site=no-such-site', sites[0]?.tenantKey ?? '')).text();
  for (const mine of sites) {
    for (const { site } of PLACES.filter(({ tenant }) => tenant === mine.tenant)) {
      const byTenant = await upgrade(`/call-api?site=${site}`, mine.tenantKey);
      expect(byTenant.status).toBe(101);
      byTenant.webSocket?.accept();
      byTenant.webSocket?.close();
      const bySite = await upgrade(`/call-api?site=${site}`, mine.siteKey);
      expect(bySite.status, `${mine.site} at ${site}`).toBe(site === mine.site ? 101 : 401);
      if (bySite.status === 401) expect(await bySite.text()).toBe(nowhere);
      bySite.webSocket?.accept();
      bySite.webSocket?.close();
    }
    for (const site of [...TENANTS, 'acme/north', '../globex/north', 'globex%2Fnorth']) {
      const response = await upgrade(`/call-api?site=${site}`, mine.tenantKey);
      expect(response.status).toBe(401);
      expect(await response.text()).toBe(nowhere);
    }
  }
});

it('the call of another, by its Call-ID, is answered as one that does not exist, and its adapter hears nothing', async () => {
  const before = sites.map(({ adapter }) => adapter.asked.length);
  for (const mine of sites) {
    const client = await connect('/call-api', mine.token);
    const end = async (callid: string) => {
      await client.ask('CallEnd', { callid });
      const told = await client.toEnd();
      return told.map(({ event, data, error }) => ({ event, data, error }));
    };
    const unknown = await end('no-such-call');
    expect(unknown.map(({ event }) => event)).toEqual(['Error', 'Ended']);
    for (const theirs of sites) if (theirs !== mine) expect(await end(theirs.callid)).toEqual(unknown);
    client.socket.close();
  }
  sites.forEach(({ adapter, callid, tenant, site }, n) => {
    // Of its own client only: nine that each asked for one unknown call and eight of others.
    const heard = adapter.asked.slice(before[n]);
    expect(heard, `${tenant}/${site}`).toHaveLength(sites.length);
    expect(JSON.stringify(heard)).not.toContain(callid);
  });
});

it('a token on a live socket is taken only where it is for', async () => {
  const [mine, ...others] = sites;
  if (!mine) throw new Error('no site');
  const client = await connect('/call-api', mine.token);
  const made = await mint(mine.tenantKey, { site: mine.site, subject: 'bob' });
  for (const token of [...others.map((other) => other.token), made, 'garbage']) {
    expect(await client.ask('Authorize', { token })).toMatchObject({ error: { code: -32002 } });
  }
  const fresh = await mint(mine.tenantKey, {
    site: mine.site,
    subject: 'alice',
    caller: 'sip:alice@example.com',
  });
  expect(await client.ask('Authorize', { token: fresh })).toMatchObject({
    result: { expires: expect.any(String) },
  });
  client.socket.close();
});

it('revoking a key closes what came in with it and with its tokens, at that tenant alone', async () => {
  const [mine, other] = sites;
  if (!mine || !other) throw new Error('no sites');
  const key = await makeKey(mine.tenant, { role: 'api', site: mine.site });
  const token = await mint(key, { subject: 'carol' });
  const byKey = await connect('/call-api', key);
  const byToken = await connect('/call-api', token);
  const bystanders = await Promise.all([connect('/call-api', mine.token), connect('/call-api', other.token)]);
  const id = key.split('.')[4];
  await admin('DELETE', `/tenants/${mine.tenant}/keys/${id}`);
  for (const client of [byKey, byToken]) expect((await client.socket.closed).code).toBe(4401);
  // What the door still keeps of the key does not help: the site knows.
  for (const credential of [key, token]) expect((await upgrade('/call-api', credential)).status).toBe(401);
  for (const client of bystanders) {
    expect(await client.ask('Echo', {})).toMatchObject({ result: { event: 'Started' } });
    client.socket.close();
  }
});
