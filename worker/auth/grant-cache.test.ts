/** Decisions of tenants are cached for a limited time and in a limited number. */
import { expect, it } from 'vitest';
import { ACCESS_GRANT, scriptedTenants } from '../testing/tenants.ts';
import { GrantCache } from './grant-cache.ts';

const request = { key: 'k1', secretHash: 'ab', site: 'north' };

it('requests a grant once per 30 s, counted from the request', async () => {
  const { env, accessRequests } = scriptedTenants(() => ACCESS_GRANT);
  const cache = new GrantCache();
  for (const at of [0, 1, 29_999]) await cache.get('acme', request, env, at);
  expect(accessRequests).toHaveLength(1);
  await cache.get('acme', request, env, 30_000);
  expect(accessRequests).toHaveLength(2);
  await cache.get('acme', request, env, 59_999);
  expect(accessRequests).toHaveLength(2);
});

it('notices a revocation within 30 s, however busy the key is', async () => {
  let revokedAt = Number.POSITIVE_INFINITY;
  let now = 0;
  const { env } = scriptedTenants(() => (now < revokedAt ? ACCESS_GRANT : { ok: false }));
  const cache = new GrantCache();
  revokedAt = 10_000;
  let lastGrantedAt = 0;
  for (; now < 60_000; now += 500) {
    if ((await cache.get('acme', request, env, now)).ok) lastGrantedAt = now;
  }
  expect(lastGrantedAt).toBeLessThan(revokedAt + 30_000);
});

it('keeps a grant no longer when the clock is set back', async () => {
  const { env, accessRequests } = scriptedTenants(() => ACCESS_GRANT);
  const cache = new GrantCache();
  await cache.get('acme', request, env, 86_400_000);
  await cache.get('acme', request, env, 0);
  expect(accessRequests).toHaveLength(2);
  await cache.get('acme', request, env, 29_999);
  expect(accessRequests).toHaveLength(2);
});

it('requests again 5 s after a denial', async () => {
  const { env, accessRequests } = scriptedTenants(() => ({ ok: false }));
  const cache = new GrantCache();
  for (const at of [0, 4_999]) expect(await cache.get('acme', request, env, at)).toEqual({ ok: false });
  expect(accessRequests).toHaveLength(1);
  await cache.get('acme', request, env, 5_000);
  expect(accessRequests).toHaveLength(2);
});

it('shares one request among concurrent equal ones', async () => {
  const { promise, resolve } = Promise.withResolvers<typeof ACCESS_GRANT>();
  const { env, accessRequests } = scriptedTenants(() => promise);
  const cache = new GrantCache();
  const decisions = Array.from({ length: 50 }, () => cache.get('acme', request, env, 0));
  resolve(ACCESS_GRANT);
  expect(new Set((await Promise.all(decisions)).map(({ ok }) => ok))).toEqual(new Set([true]));
  expect(accessRequests).toHaveLength(1);
});

it.each([
  ['tenant', 'globex', request],
  ['key', 'acme', { ...request, key: 'k2' }],
  ['secret', 'acme', { ...request, secretHash: 'cd' }],
  ['site', 'acme', { ...request, site: 'south' }],
  ['unspecified site', 'acme', { key: 'k1', secretHash: 'ab' }],
  ['credential, a token', 'acme', { key: 'k1', site: 'north' }],
])('does not use the decision for another %s', async (_, tenant, other) => {
  const { env, accessRequests } = scriptedTenants(({ secretHash }) =>
    secretHash === 'ab' ? ACCESS_GRANT : { ok: false },
  );
  const cache = new GrantCache();
  await cache.get('acme', request, env, 0);
  await cache.get(tenant, other, env, 0);
  expect(accessRequests).toHaveLength(2);
});

it('passes on the error of a tenant, and does not cache it', async () => {
  let isBroken = true;
  const { env } = scriptedTenants(() => {
    if (isBroken) throw new Error('the object is being moved');
    return ACCESS_GRANT;
  });
  const cache = new GrantCache();
  await expect(cache.get('acme', request, env, 0)).rejects.toThrow('moved');
  isBroken = false;
  expect(await cache.get('acme', request, env, 0)).toEqual(ACCESS_GRANT);
});

it('drops the oldest entries beyond the maximum', async () => {
  const { env, accessRequests } = scriptedTenants(() => ACCESS_GRANT);
  const cache = new GrantCache(2);
  for (const key of ['k1', 'k2', 'k3']) await cache.get('acme', { key }, env, 0);
  await cache.get('acme', { key: 'k3' }, env, 0);
  await cache.get('acme', { key: 'k2' }, env, 0);
  expect(accessRequests).toHaveLength(3);
  await cache.get('acme', { key: 'k1' }, env, 0);
  expect(accessRequests).toHaveLength(4);
});
