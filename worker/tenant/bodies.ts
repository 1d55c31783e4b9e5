/** What an administrator may send. Strict: a name that is misspelled would be a limit that does not hold. @module */
import * as z from 'zod';
import { Id, Limits, Pattern, Policy, Rules, SCOPES, Scope } from '../../shared/policy.ts';
import { LOCATIONS } from './admission.ts';

/** Longest time that a key may hold beside its successor, in seconds: 7 days. */
export const LONGEST_GRACE_S = 7 * 86_400;

/** Each limit alone, or null for its default. Their own schema would fill in the defaults of those not given. */
const LimitsChange = z.strictObject(
  Object.fromEntries(
    Object.entries(Limits.shape).map(([name, limit]) => [name, limit.unwrap().nullable().optional()]),
  ),
);

/** Each list replaces the one before. */
const RulesChange = z.strictObject({
  allow: z.array(Pattern).pipe(Rules.shape.allow.unwrap()).optional(),
  deny: z.array(Pattern).pipe(Rules.shape.deny.unwrap()).optional(),
});

/** As browsers send it (RFC 6454 §7), since it is compared as text. */
const Origin = z
  .string()
  .max(256)
  .refine((text) => text === '*' || (/^https?:\/\//.test(text) && URL.parse(text)?.origin === text), {
    message: 'an origin is a scheme, a host and perhaps a port, such as https://app.example.com; or *',
  });

const tenantFields = {
  limits: LimitsChange.optional(),
  rules: RulesChange.optional(),
  origins: z.array(Origin).max(100).optional(),
  kept_seconds: Policy.shape.kept_seconds.optional(),
};
const siteFields = {
  location: z.enum(LOCATIONS).nullable().optional(),
  rules: RulesChange.optional(),
};

export const TenantBody = z.strictObject({ id: Id, ...tenantFields });
export const TenantChange = z.strictObject(tenantFields).refine(...notEmpty(tenantFields));
export const SiteBody = z.strictObject({ id: Id, ...siteFields });
export const SiteChange = z.strictObject(siteFields).refine(...notEmpty(siteFields));

/** An API key may do all that there is unless `scopes` says less; an adapter's is for one site. */
export const KeyBody = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('api'),
    site: Id.optional(),
    scopes: z
      .array(Scope)
      .min(1)
      .default([...SCOPES])
      .transform((scopes) => [...new Set(scopes)]),
  }),
  z.strictObject({ role: z.literal('adapter'), site: Id }),
]);

export const RotateBody = z.strictObject({
  grace: z.number().int().min(0).max(LONGEST_GRACE_S).default(0),
});

/** A page of the trail; as text, since it comes in the URL. */
export const TrailQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  before: z.coerce.number().int().min(1).optional(),
});

/** A page of tenants. */
export const ListQuery = z.strictObject({
  after: Id.optional(),
  deleted: z.enum(['true', 'false']).optional(),
});

function notEmpty(fields: object): [(body: object) => boolean, { message: string }] {
  const message = `nothing is to be changed: give one of ${Object.keys(fields).join(', ')}`;
  return [(body) => Object.values(body).some((value) => value !== undefined), { message }];
}
