/** A site's share of what the tenant has. */
import { expect, it } from 'vitest';
import { Limits, Policy } from '../../shared/policy.ts';
import { policyOf } from './policy.ts';

const rules = { allow: [], deny: ['+1900*@*'] };
const own = { allow: ['*@site'], deny: [] };
const settings = (limits: object) => ({
  id: 'acme',
  created: 0,
  version: 5,
  limits: Limits.parse(limits),
  rules,
  origins: [],
  kept_seconds: 600,
});

it.each([
  ['one site has it all', 1, { starts_per_second: 30, standing_calls: 100 }, 30, 100],
  ['three share', 3, { starts_per_second: 30, standing_calls: 100 }, 10, 33],
  ['none gets nothing', 200, { starts_per_second: 1, standing_calls: 10 }, 0.01, 1],
])('%s', (_, sites, limits, starts, calls) => {
  const policy = policyOf(settings(limits), own, sites);
  expect(policy.limits).toMatchObject({ starts_per_second: starts, standing_calls: calls });
  expect(Policy.parse(policy)).toEqual(policy);
});

it('has the rules of both, and what is not shared as it is', () =>
  expect(policyOf(settings({ messages_per_second: 7 }), own, 3)).toMatchObject({
    version: 5,
    rules: [rules, own],
    kept_seconds: 600,
    limits: { messages_per_second: 7, sessions_per_subject: 1_000 },
  }));

it('without a site it is what holds for the whole tenant', () =>
  expect(policyOf(settings({ standing_calls: 100 }), undefined, 4)).toMatchObject({
    rules: [rules],
    limits: { standing_calls: 100 },
  }));
