/** What a tenant manages itself: the bodies of requests, and the settings as they are returned. @module */
import * as z from 'zod';
import { ManagementBounds } from '../../policy/management-bounds.ts';
import { Id, Rules } from '../../policy/policy.ts';
import { KeyBody, notEmpty, Origin, RulesChange } from './requests.ts';

/** More would make the policy, which is sent with each new socket, too long: see `Rules`. */
const MAX_OWN_PATTERNS = 100;

const ownFields = {
  rules: RulesChange.refine(
    ({ allow = [], deny = [] }) => allow.length <= MAX_OWN_PATTERNS && deny.length <= MAX_OWN_PATTERNS,
    { message: `has a list of more than ${MAX_OWN_PATTERNS} patterns. Use fewer.` },
  ).optional(),
  origins: z.array(Origin).max(100).optional(),
};

export const OwnSettingsChange = z.strictObject(ownFields).refine(...notEmpty(ownFields));

/** A tenant creates keys for its servers only: whoever has the key of an adapter can act as OpenSIPS. */
export const OwnKeyBody = KeyBody.options[0];

/** What a tenant has set itself. */
export const OwnSettings = z.object({
  rules: Rules.meta({
    description: 'the rules of the tenant itself. Those of an administrator apply as well',
  }),
  origins: z.array(z.string()).readonly(),
});
export type OwnSettings = z.infer<typeof OwnSettings>;

export const ManageView = OwnSettings.extend({
  tenant: Id,
  bounds: ManagementBounds,
  fixed: OwnSettings.meta({ description: 'what an administrator has set. It applies as well' }),
});
export type ManageView = z.infer<typeof ManageView>;

/** A site of the tenant, without the link to its adapter. */
export const ManagedSite = z.object({ id: Id, created: z.iso.datetime() });
