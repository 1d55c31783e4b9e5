/** Tenants, sites and keys as the admin API returns them: with times in ISO 8601 and without the secrets of keys. @module */
import * as z from 'zod';
import { AdaptersMode, ReplicatedDialogs } from '../../policy/adapters-setting.ts';
import { LinkSetting } from '../../policy/link-setting.ts';
import { LOCATIONS } from '../../policy/locations.ts';
import { ManagementBounds } from '../../policy/management-bounds.ts';
import { Id, Limits, Policy, Rules, Scope } from '../../policy/policy.ts';
import { LinkView } from '../http/link-view.ts';
import { SiteUsage } from '../http/usage.ts';

const Time = z.iso.datetime();

export const TenantView = z.object({
  id: Id,
  created: Time,
  limits: Limits.meta({ description: 'the effective limits, including defaults' }),
  rules: Rules,
  origins: z.array(z.string()).readonly(),
  kept_seconds: Policy.shape.kept_seconds,
  bounds: ManagementBounds.meta({ description: 'what the tenant may manage itself' }),
  own: z
    .object({ rules: Rules, origins: z.array(z.string()).readonly() })
    .meta({ description: 'what the tenant has set itself. It applies as well' }),
  version: z.number().int(),
});
export type TenantView = z.infer<typeof TenantView>;

export const SiteView = z.object({
  id: Id,
  created: Time,
  location: z.enum(LOCATIONS).nullable(),
  rules: Rules,
  link: LinkSetting.meta({ description: 'who opens the link to the adapter' }),
  adapters: AdaptersMode,
  replicated_dialogs: ReplicatedDialogs,
});
export type SiteView = z.infer<typeof SiteView>;

/** A site, and what only its object and its tenant together know. */
export const SiteDetails = SiteView.extend({
  limits: Limits.meta({
    description: 'the limits in force; those of the whole tenant are the share of this site',
  }),
  usage: SiteUsage,
  link: LinkView.extend({
    setting: LinkSetting.meta({ description: 'who opens the link to the adapter' }),
  }),
});
export type SiteDetails = z.infer<typeof SiteDetails>;

export const KeyView = z.object({
  id: Id,
  role: z.enum(['api', 'adapter']),
  site: Id.nullable().meta({ description: '`null`: all sites of the tenant' }),
  scopes: z.array(Scope).readonly(),
  created: Time,
  last_used: Time.nullable().meta({ description: 'accurate to a minute' }),
  revoked_at: Time.nullable().meta({
    description: 'can be in the future, if the key was rotated with a grace period',
  }),
});
export type KeyView = z.infer<typeof KeyView>;
