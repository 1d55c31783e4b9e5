/** The request bodies and queries of the admin API. Unknown fields are rejected: a misspelled limit would have no effect. @module */
import * as z from 'zod';
import { AdaptersMode, ReplicatedDialogs } from '../../policy/adapters-setting.ts';
import { LinkSetting } from '../../policy/link-setting.ts';
import { LOCATIONS } from '../../policy/locations.ts';
import { ManagementBounds } from '../../policy/management-bounds.ts';
import { DEFAULT_SCOPES, Id, Limits, Pattern, Policy, Rules, Scope } from '../../policy/policy.ts';
import { expectations } from '../validation/expectations.ts';

/** The longest time that a rotated key remains valid beside its successor, in seconds: 7 days. */
export const MAX_GRACE_S = 7 * 86_400;

/**
 * Any of the limits; `null` resets one to its default. The schema `Limits` itself would replace missing ones with their
 * defaults.
 */
const LimitsChange = z.strictObject(
  Object.fromEntries(
    Object.entries(Limits.shape).map(([name, limit]) => [name, limit.unwrap().nullable().optional()]),
  ),
);

function patterns(list: typeof Rules.shape.allow) {
  return z
    .array(Pattern)
    .pipe(list.unwrap())
    .register(expectations, {
      expected: 'an array of up to 250 patterns such as "+1900*@*", of up to 64 characters',
    })
    .optional();
}

/** A list that is given replaces the previous one. */
export const RulesChange = z.strictObject({
  allow: patterns(Rules.shape.allow),
  deny: patterns(Rules.shape.deny),
});

/** An origin in the form in which browsers send it (RFC 6454 §7), because origins are compared as text. */
export const Origin = z
  .string()
  .max(256)
  .refine((text) => text === '*' || isOrigin(text), {
    message:
      'is not an origin. Use a scheme, a host in lower case and a port if it is not the default one, such as https://app.example.com, or *.',
  })
  .register(expectations, { expected: 'an origin such as https://app.example.com, or *' });

/** Any of the bounds; `null` resets one to its default. */
const BoundsChange = z.strictObject(
  Object.fromEntries(
    Object.entries(ManagementBounds.shape).map(([name, bound]) => [
      name,
      bound.unwrap().nullable().optional(),
    ]),
  ),
);

const tenantFields = {
  limits: LimitsChange.optional(),
  rules: RulesChange.optional(),
  origins: z.array(Origin).max(100).optional(),
  kept_seconds: Policy.shape.kept_seconds.optional(),
  bounds: BoundsChange.optional(),
};
const siteFields = {
  location: z.enum(LOCATIONS).nullable().optional(),
  rules: RulesChange.optional(),
  link: LinkSetting.optional(),
  adapters: AdaptersMode.optional(),
  replicated_dialogs: ReplicatedDialogs.optional(),
};

export const TenantBody = z.strictObject({ id: Id, ...tenantFields });
export const TenantChange = z.strictObject(tenantFields).refine(...notEmpty(tenantFields));
export const SiteBody = z.strictObject({ id: Id, ...siteFields });
export const SiteChange = z.strictObject(siteFields).refine(...notEmpty(siteFields));

/** A new key. An API key has all scopes but `manage` by default; an adapter key is for one site. */
export const KeyBody = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('api'),
    site: Id.optional(),
    scopes: z
      .array(Scope)
      .min(1)
      .default([...DEFAULT_SCOPES])
      .transform((scopes) => [...new Set(scopes)]),
  }),
  z.strictObject({ role: z.literal('adapter'), site: Id }),
]);

export const RotateKeyBody = z.strictObject({
  grace: z.number().int().min(0).max(MAX_GRACE_S).default(0),
});

/** The URL parameters for a page of the audit log. */
export const AuditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  before: z.coerce.number().int().min(1).optional(),
});

/** The URL parameters for a page of tenants. */
export const TenantsQuery = z.strictObject({
  after: Id.optional(),
  deleted: z.enum(['true', 'false']).optional(),
});

export function notEmpty(fields: object): [(body: object) => boolean, { message: string }] {
  const message = `changes nothing. Give at least one of ${Object.keys(fields).join(', ')}.`;
  return [(body) => Object.values(body).some((value) => value !== undefined), { message }];
}

/** Scheme, host in lower case and port. */
const ORIGIN = /^(https?):\/\/(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Returns whether browsers send this origin. They omit the default port, so an origin that has it would never match. */
function isOrigin(text: string): boolean {
  const [, scheme = '', port] = ORIGIN.exec(text) ?? [];
  return scheme !== '' && port !== DEFAULT_PORTS[scheme];
}
