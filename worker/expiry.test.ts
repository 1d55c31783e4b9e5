/** A client's token ends its socket in time, and a fresh one lets it go on. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import type { Scope } from '../shared/policy.ts';
import { mintToken } from './door/tokens.ts';
import { callsMade, scenarios } from './testing/scenarios.ts';
import { policy, Site, type Who } from './testing/site.ts';

const HOUR = 3_600_000;
const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const armedAt = (site: Site) => runInDurableObject(site.object, (_, { storage }) => storage.getAlarm());

/** Time stands still, on a whole second as tokens count them, but for what {@link pass} lets pass. */
function stop(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Math.ceil(Date.now() / 1_000) * 1_000 });
}
function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}
afterEach(() => void vi.useRealTimers());

const alice: Who = { subject: 'sub:alice' };

/** A token of alice's; what is not said is as it should be. */
function token(site: Site, more: object = {}): Promise<string> {
  const { tenant, site: name } = site;
  const scopes: Scope[] = ['CallStart'];
  const claims = {
    tenant,
    site: name,
    subject: 'sub:alice',
    scopes,
    key: 'key-1',
    expires: Date.now() + HOUR,
  };
  return mintToken({ ...claims, ...more }, env);
}

it('the alarm closes the socket when its token expires, through a sleep, and no other', async () => {
  stop();
  const site = new Site();
  const expires = Date.now() + HOUR;
  const mine = await site.client({ ...alice, expires });
  const later = await site.client({ ...alice, expires: expires + HOUR });
  const never = await site.client();
  expect(await armedAt(site)).toBe(expires);
  await evictDurableObject(site.object);
  pass(HOUR);
  await runDurableObjectAlarm(site.object);
  expect(await mine.socket.closed).toMatchObject({ code: 4401, reason: expect.stringContaining('expired') });
  expect(await armedAt(site)).toBe(expires + HOUR);
  for (const client of [later, never])
    expect(await client.ask('Echo')).toMatchObject({ result: { event: 'Started' } });
});

it('an earlier expiry brings the alarm forward', async () => {
  stop();
  const site = new Site();
  await site.client({ ...alice, expires: Date.now() + 2 * HOUR });
  await site.client({ ...alice, expires: Date.now() + HOUR });
  expect(await armedAt(site)).toBe(Date.now() + HOUR);
});

it('what comes after the expiry is not run, though the alarm is late', async () => {
  stop();
  const site = new Site();
  const adapter = await site.adapter(scenarios.endOk);
  const client = await site.client({ ...alice, expires: Date.now() + 1_000 });
  pass(1_000);
  client.socket.send('{"jsonrpc":"2.0","id":1,"method":"CallEnd","params":{"callid":"c1"}}');
  expect(await client.socket.closed).toMatchObject({ code: 4401 });
  expect(adapter.asked).toEqual([]);
  adapter.close();
});

it('a fresh token takes the place of the old one: expiry, scopes and address', async () => {
  stop();
  const site = new Site();
  const adapter = await site.adapter(callsMade('one'));
  const expires = Date.now() + 60_000;
  const client = await site.client({ ...alice, expires, scopes: [] });
  expect(await client.ask('CallStart', uris)).toMatchObject({ error: { code: -32002 } });
  const fresh = await token(site, { caller: uris.caller });
  expect(await client.ask('Authorize', { token: fresh })).toEqual({
    jsonrpc: '2.0',
    id: 2,
    result: { expires: new Date(Date.now() + HOUR).toISOString() },
  });
  await evictDurableObject(site.object);
  pass(60_000);
  await runDurableObjectAlarm(site.object);
  const other = { ...uris, caller: 'sip:mallory@127.0.0.1' };
  expect(await client.ask('CallStart', other)).toMatchObject({ error: { code: -32002 } });
  expect(await client.ask('CallHold', { callid: 'c1' })).toMatchObject({ error: { code: -32002 } });
  const again = await site.adapter(callsMade('one'));
  expect(await client.ask('CallStart', uris)).toMatchObject({ result: { event: 'Started' } });
  await client.toEnd();
  pass(HOUR);
  await runDurableObjectAlarm(site.object);
  expect(await client.socket.closed).toMatchObject({ code: 4401 });
  adapter.close();
  again.close();
});

it('in a batch a token holds for what comes behind it', async () => {
  const site = new Site();
  const adapter = await site.adapter(callsMade('one'));
  const client = await site.client({ ...alice, scopes: [] });
  const request = (id: number, method: string, params: object) => ({ jsonrpc: '2.0', id, method, params });
  client.socket.send(
    JSON.stringify([
      request(1, 'CallStart', uris),
      request(2, 'Authorize', { token: await token(site) }),
      request(3, 'CallStart', uris),
    ]),
  );
  expect(await client.socket.next()).toMatchObject([
    { id: 1, error: { code: -32002 } },
    { id: 2, result: {} },
    { id: 3, result: { event: 'Started' } },
  ]);
  await client.toEnd();
  adapter.close();
});

it.each<[what: string, of: (site: Site) => Promise<string>]>([
  ['another tenant', (site) => token(site, { tenant: 'someone-else' })],
  ['another site', (site) => token(site, { site: 'other' })],
  ['another subject', (site) => token(site, { subject: 'sub:mallory' })],
  ['a revoked key', (site) => token(site, { key: 'revoked' })],
  ['an expired token', (site) => token(site, { expires: Date.now() - 1_000 })],
  ['a token that is made up', async () => 'e30.e30.e30'],
  ['a token that was changed', async (site) => `${(await token(site)).slice(0, -4)}AAAA`],
  ['a token without signature', async (site) => `${(await token(site)).replace(/[^.]*$/, '')}`],
])('%s is not taken, with the same answer, and the socket stays as it was', async (_, of) => {
  const site = new Site();
  const adapter = await site.adapter(callsMade('one'));
  const client = await site.client({ ...alice, key: 'key-1', scopes: ['CallEnd'] });
  await site.object.revoke('revoked');
  expect(await client.ask('Authorize', { token: await of(site) })).toEqual({
    jsonrpc: '2.0',
    id: 1,
    error: {
      code: -32002,
      message: 'Not allowed',
      data: expect.stringMatching(/^this token does not hold here/),
    },
  });
  expect(await client.ask('CallStart', uris)).toMatchObject({ error: { code: -32002 } });
  expect(await client.ask('CallEnd', { callid: 'x' })).toMatchObject({ result: { event: 'Started' } });
  adapter.close();
});

it.each([{}, { token: 5 }, { token: '' }, { token: 'x'.repeat(9_000) }])(
  'params that hold no token are bad params: %j',
  async (params) => {
    const client = await new Site().client(alice);
    expect(await client.ask('Authorize', params)).toMatchObject({ error: { code: -32602 } });
  },
);

it("an API key's socket takes no token: it is another subject's", async () => {
  const site = new Site();
  const client = await site.client();
  expect(await client.ask('Authorize', { token: await token(site) })).toMatchObject({
    error: { code: -32002 },
  });
});

it('a token that is given as a notification holds, and is not answered', async () => {
  const site = new Site();
  const client = await site.client({ ...alice, scopes: [], policy: policy() });
  const params = { token: await token(site, { scopes: ['CallHold'] }) };
  client.socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'Authorize', params }));
  await expect.poll(() => client.ask('CallHold', { callid: 'x' })).toMatchObject({ error: { code: -32001 } });
});
