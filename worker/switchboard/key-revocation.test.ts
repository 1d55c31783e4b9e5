/** A revoked key is of no use at its site from then on. */
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { INVALID_CREDENTIAL } from '../auth/authenticated.ts';
import { issueToken } from '../auth/tokens.ts';
import { scenarios } from '../testing/scenarios.ts';
import { clientPrincipal, policy, TestSite } from '../testing/site.ts';

it('closes the sockets of the key, of its tokens and of its adapter, and no others', async () => {
  const site = new TestSite();
  const expires = Date.now() + 60_000;
  const adapter = await site.adapter(scenarios.endOk, { key: 'bad' });
  const byKey = await site.client({ key: 'bad' });
  const byToken = await site.client({ subject: 'sub:alice', key: 'bad', expires });
  const renewed = await site.client({ subject: 'sub:alice', key: 'good' });
  const other = await site.client({ key: 'good' });
  const token = await issueToken(
    { tenant: site.tenant, site: site.site, subject: 'sub:alice', scopes: [], key: 'bad', expires },
    env,
  );
  expect(await renewed.request('Authorize', { token })).toMatchObject({ result: {} });
  await evictDurableObject(site.object);
  await site.object.revokeKey('bad');
  for (const { closed } of [byKey.socket, byToken.socket, renewed.socket, adapter])
    expect(await closed).toEqual({
      code: 4401,
      reason: 'The API key was revoked. Reconnect with another one.',
    });
  expect(await other.request('Echo')).toMatchObject({ result: { event: 'Started' } });
  expect((await site.object.health('key-1'))?.link).toEqual({ connected: false });
});

it('rejects new sockets of the key even if its grant is still cached, after a hibernation too', async () => {
  const site = new TestSite();
  await site.object.revokeKey('bad');
  for (const hibernates of [false, true]) {
    if (hibernates) await evictDurableObject(site.object);
    for (const principal of [
      clientPrincipal({ key: 'bad' }),
      { role: 'adapter', key: 'bad', policy: policy() } as const,
    ]) {
      const rejected = await site.requestSocket(principal);
      expect(rejected.status).toBe(401);
      expect(await rejected.json()).toMatchObject({ detail: INVALID_CREDENTIAL.reason });
    }
    const good = await site.client({ key: 'good' });
    expect(await good.request('Echo')).toMatchObject({ result: { event: 'Started' } });
  }
});
