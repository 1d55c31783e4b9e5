/** `Authorize` replaces the token of an open socket, and rejects every token that is not valid there. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import type { Scope } from '../../../shared/policy/policy.ts';
import { issueToken } from '../../auth/tokens.ts';
import { advanceClock, freezeClock } from '../../testing/clock.ts';
import { statefulCalls } from '../../testing/scenarios.ts';
import { type ClientOptions, policy, TestSite } from '../../testing/site.ts';

const HOUR_MS = 3_600_000;
const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const ALICE: ClientOptions = { subject: 'sub:alice' };

afterEach(() => void vi.useRealTimers());

/** Issues a valid token for Alice, or one with other claims. */
function token(site: TestSite, otherClaims: object = {}): Promise<string> {
  const { tenant, site: name } = site;
  const scopes: Scope[] = ['CallStart'];
  const claims = {
    tenant,
    site: name,
    subject: 'sub:alice',
    scopes,
    key: 'key-1',
    expires: Date.now() + HOUR_MS,
  };
  return issueToken({ ...claims, ...otherClaims }, env);
}

it('replaces the expiry, the scopes and the caller of the socket, which survives a hibernation', async () => {
  freezeClock();
  const site = new TestSite();
  const adapter = await site.adapter(statefulCalls('one'));
  const expires = Date.now() + 60_000;
  const client = await site.client({ ...ALICE, expires, scopes: [], events: 'original' });
  expect(await client.request('CallStart', URIS)).toMatchObject({ error: { code: -32002 } });
  const renewed = await token(site, { caller: URIS.caller });
  expect(await client.request('Authorize', { token: renewed })).toEqual({
    jsonrpc: '2.0',
    id: 2,
    result: { expires: new Date(Date.now() + HOUR_MS).toISOString() },
  });
  await evictDurableObject(site.object);
  advanceClock(60_000);
  await runDurableObjectAlarm(site.object);
  const fromOther = { ...URIS, caller: 'sip:mallory@127.0.0.1' };
  expect(await client.request('CallStart', fromOther)).toMatchObject({ error: { code: -32002 } });
  expect(await client.request('CallHold', { callid: 'c1' })).toMatchObject({ error: { code: -32002 } });
  const reconnected = await site.adapter(statefulCalls('one'));
  expect(await client.request('CallStart', URIS)).toMatchObject({ result: { event: 'Started' } });
  // It still receives only the events of OpenSIPS's own Call API.
  expect((await client.untilEnded()).map(({ event }) => event)).not.toContain('CallerRinging');
  advanceClock(HOUR_MS);
  await runDurableObjectAlarm(site.object);
  expect(await client.socket.closed).toMatchObject({ code: 4401 });
  adapter.close();
  reconnected.close();
});

it('applies a token in a batch to the requests after it', async () => {
  const site = new TestSite();
  const adapter = await site.adapter(statefulCalls('one'));
  const client = await site.client({ ...ALICE, scopes: [] });
  const request = (id: number, method: string, params: object) => ({ jsonrpc: '2.0', id, method, params });
  client.socket.send(
    JSON.stringify([
      request(1, 'CallStart', URIS),
      request(2, 'Authorize', { token: await token(site) }),
      request(3, 'CallStart', URIS),
    ]),
  );
  expect(await client.socket.next()).toMatchObject([
    { id: 1, error: { code: -32002 } },
    { id: 2, result: {} },
    { id: 3, result: { event: 'Started' } },
  ]);
  await client.untilEnded();
  adapter.close();
});

it.each<[name: string, makeToken: (site: TestSite) => Promise<string>]>([
  ['of another tenant', (site) => token(site, { tenant: 'someone-else' })],
  ['of another site', (site) => token(site, { site: 'other' })],
  ['of another subject', (site) => token(site, { subject: 'sub:mallory' })],
  ['of a revoked key', (site) => token(site, { key: 'revoked' })],
  ['that has expired', (site) => token(site, { expires: Date.now() - 1_000 })],
  ['that is forged', async () => 'e30.e30.e30'],
  ['that was changed', async (site) => `${(await token(site)).slice(0, -4)}AAAA`],
  ['without a signature', async (site) => `${(await token(site)).replace(/[^.]*$/, '')}`],
])(
  'rejects a token %s with the same answer as any other, and the socket keeps its rights',
  async (_, makeToken) => {
    const site = new TestSite();
    const adapter = await site.adapter(statefulCalls('one'));
    const client = await site.client({ ...ALICE, key: 'key-1', scopes: ['CallEnd'] });
    await site.object.revokeKey('revoked');
    expect(await client.request('Authorize', { token: await makeToken(site) })).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: {
        code: -32002,
        message: 'Not allowed',
        data: expect.stringMatching(/^token: the token is invalid or expired/),
      },
    });
    expect(await client.request('CallStart', URIS)).toMatchObject({ error: { code: -32002 } });
    expect(await client.request('CallEnd', { callid: 'x' })).toMatchObject({ result: { event: 'Started' } });
    adapter.close();
  },
);

it.each([{}, { token: 5 }, { token: '' }, { token: 'x'.repeat(9_000) }])(
  'answers params without a token with Invalid params: %j',
  async (params) => {
    const client = await new TestSite().client(ALICE);
    expect(await client.request('Authorize', params)).toMatchObject({ error: { code: -32602 } });
  },
);

it('rejects every token on the socket of an API key, which is another subject', async () => {
  const site = new TestSite();
  const client = await site.client();
  expect(await client.request('Authorize', { token: await token(site) })).toMatchObject({
    error: { code: -32002 },
  });
});

it('applies a token in a request without an id, and does not answer it', async () => {
  const site = new TestSite();
  const client = await site.client({ ...ALICE, scopes: [], policy: policy() });
  const params = { token: await token(site, { scopes: ['CallHold'] }) };
  client.socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'Authorize', params }));
  await expect
    .poll(() => client.request('CallHold', { callid: 'x' }))
    .toMatchObject({ error: { code: -32001 } });
});

it('keeps what the connection has asked for', async () => {
  const site = new TestSite();
  const asked = { events: 'original', acknowledges: true, batches: true } as const;
  const client = await site.client({ ...ALICE, ...asked, caller: URIS.caller });
  expect(await client.request('Authorize', { token: await token(site) })).toMatchObject({ result: {} });
  const attachments = await runInDurableObject(site.object, (_, state) =>
    state.getWebSockets().map((socket) => socket.deserializeAttachment()),
  );
  expect(attachments).toEqual([expect.objectContaining({ ...asked, scopes: ['CallStart'] })]);
  expect(attachments[0]).not.toHaveProperty('caller');
});
