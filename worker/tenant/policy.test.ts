/** The policy of a site: its share of the tenant's limits, and the rules of both. */
import { expect, it } from 'vitest';
import { ManagementBounds } from '../../shared/policy/management-bounds.ts';
import { Limits, Policy } from '../../shared/policy/policy.ts';
import { policyOf } from './policy.ts';

const tenantRules = { allow: [], deny: ['+1900*@*'] };
const siteRules = { allow: ['*@site'], deny: [] };
const site = { id: 'north', rules: siteRules, location: null, link: { mode: 'accept' } } as const;
const settings = (limits: object) => ({
  id: 'acme',
  createdAt: 0,
  version: 5,
  limits: Limits.parse(limits),
  rules: tenantRules,
  origins: [],
  kept_seconds: 600,
  bounds: ManagementBounds.parse({}),
  own: { rules: { allow: [], deny: [] }, origins: [] as string[] },
});

it.each([
  ['one site gets everything', 1, { starts_per_second: 30, standing_calls: 100 }, 30, 100],
  ['three sites share', 3, { starts_per_second: 30, standing_calls: 100 }, 10, 33],
  ['no site gets nothing', 200, { starts_per_second: 1, standing_calls: 10 }, 0.01, 1],
])('%s', (_, sites, limits, starts, calls) => {
  const policy = policyOf(settings(limits), site, sites);
  expect(policy.limits).toMatchObject({ starts_per_second: starts, standing_calls: calls });
  expect(Policy.parse(policy)).toEqual(policy);
});

it('divides each limit of the whole tenant, so that any number of sites and subjects are bounded', () => {
  const { limits } = policyOf(settings({}), site, 4);
  expect(limits).toEqual({
    ...Limits.parse({}),
    tenant_messages_per_second: 125,
    tenant_replayed_bytes_per_minute: 160 * 1_024 ** 2,
    tenant_written_bytes_per_minute: 4 * 1_024 ** 2,
    tenant_connections_per_minute: 150,
    starts_per_second: 12.5,
    standing_calls: 2_500,
  });
  const lowest = policyOf(settings({}), site, 1_000_000);
  expect(Policy.parse(lowest)).toEqual(lowest);
});

it('has the rules of both, and unshared limits unchanged', () =>
  expect(policyOf(settings({ messages_per_second: 7 }), site, 3)).toMatchObject({
    version: 5,
    rules: [tenantRules, siteRules],
    kept_seconds: 600,
    limits: { messages_per_second: 7, sessions_per_subject: 1_000 },
  }));

it('has the rules of the tenant itself in addition, so that those of an administrator remain in force', () => {
  const own = { rules: { allow: ['*'], deny: ['*@evil'] }, origins: [] };
  const policy = policyOf({ ...settings({}), own }, site, 1);
  expect(policy.rules).toEqual([tenantRules, own.rules, siteRules]);
  expect(policyOf({ ...settings({}), own }, undefined, 1).rules).toEqual([tenantRules, own.rules]);
});

it('is the policy of the whole tenant without a site', () =>
  expect(policyOf(settings({ standing_calls: 100 }), undefined, 4)).toMatchObject({
    rules: [tenantRules],
    limits: { standing_calls: 100 },
  }));

it('says where the adapter of a site is dialed', () => {
  const link = { mode: 'dial', url: 'https://adapter.example.com/link', idle_s: 60, keep: false } as const;
  const policy = policyOf(settings({}), { ...site, link, location: 'weur' }, 1);
  const { mode: _, ...target } = link;
  expect(policy.link).toEqual({ ...target, siteName: 'acme/north', location: 'weur' });
  expect(Policy.parse(policy)).toEqual(policy);
  expect(policyOf(settings({}), site, 1).link).toBeUndefined();
});
