/** What tenants said is kept: never too long, never too much of it. */
import { expect, it } from 'vitest';
import { GRANTED, tenantsThat } from '../testing/tenants.ts';
import { Admissions } from './admissions.ts';

const petition = { key: 'k1', secretHash: 'ab', site: 'north' };

it('asks once in 30 s, counted from the asking', async () => {
  const { env, asked } = tenantsThat(() => GRANTED);
  const admissions = new Admissions();
  for (const at of [0, 1, 29_999]) await admissions.ask('acme', petition, env, at);
  expect(asked).toHaveLength(1);
  await admissions.ask('acme', petition, env, 30_000);
  expect(asked).toHaveLength(2);
  await admissions.ask('acme', petition, env, 59_999);
  expect(asked).toHaveLength(2);
});

it('hears of a revocation within 30 s, however busy the key is', async () => {
  let revokedAt = Number.POSITIVE_INFINITY;
  let now = 0;
  const { env } = tenantsThat(() => (now < revokedAt ? GRANTED : { ok: false }));
  const admissions = new Admissions();
  revokedAt = 10_000;
  let lastLetIn = 0;
  for (; now < 60_000; now += 500) {
    if ((await admissions.ask('acme', petition, env, now)).ok) lastLetIn = now;
  }
  expect(lastLetIn).toBeLessThan(revokedAt + 30_000);
});

it('asks again after 5 s where it was no', async () => {
  const { env, asked } = tenantsThat(() => ({ ok: false }));
  const admissions = new Admissions();
  for (const at of [0, 4_999]) expect(await admissions.ask('acme', petition, env, at)).toEqual({ ok: false });
  expect(asked).toHaveLength(1);
  await admissions.ask('acme', petition, env, 5_000);
  expect(asked).toHaveLength(2);
});

it('many who ask the same at once ask once', async () => {
  const { promise, resolve } = Promise.withResolvers<typeof GRANTED>();
  const { env, asked } = tenantsThat(() => promise);
  const admissions = new Admissions();
  const all = Array.from({ length: 50 }, () => admissions.ask('acme', petition, env, 0));
  resolve(GRANTED);
  expect(new Set((await Promise.all(all)).map(({ ok }) => ok))).toEqual(new Set([true]));
  expect(asked).toHaveLength(1);
});

it.each([
  ['tenant', 'globex', petition],
  ['key', 'acme', { ...petition, key: 'k2' }],
  ['secret', 'acme', { ...petition, secretHash: 'cd' }],
  ['site', 'acme', { ...petition, site: 'south' }],
  ['site that is not said', 'acme', { key: 'k1', secretHash: 'ab' }],
  ['way, by a token', 'acme', { key: 'k1', site: 'north' }],
])('what was said of one is not said of another %s', async (_, tenant, other) => {
  const { env, asked } = tenantsThat(({ secretHash }) => (secretHash === 'ab' ? GRANTED : { ok: false }));
  const admissions = new Admissions();
  await admissions.ask('acme', petition, env, 0);
  await admissions.ask(tenant, other, env, 0);
  expect(asked).toHaveLength(2);
});

it('a tenant that fails is asked again at once, and its failure is told', async () => {
  let broken = true;
  const { env } = tenantsThat(() => {
    if (broken) throw new Error('the object is being moved');
    return GRANTED;
  });
  const admissions = new Admissions();
  await expect(admissions.ask('acme', petition, env, 0)).rejects.toThrow('moved');
  broken = false;
  expect(await admissions.ask('acme', petition, env, 0)).toEqual(GRANTED);
});

it('keeps a bounded number; the oldest go first', async () => {
  const { env, asked } = tenantsThat(() => GRANTED);
  const admissions = new Admissions(2);
  for (const key of ['k1', 'k2', 'k3']) await admissions.ask('acme', { key }, env, 0);
  await admissions.ask('acme', { key: 'k3' }, env, 0);
  await admissions.ask('acme', { key: 'k2' }, env, 0);
  expect(asked).toHaveLength(3);
  await admissions.ask('acme', { key: 'k1' }, env, 0);
  expect(asked).toHaveLength(4);
});
