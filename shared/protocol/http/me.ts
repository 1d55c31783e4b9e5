/** `GET /v1/me`: the identity and the permissions of a client. @module */
import * as z from 'zod';
import { Id, Limits, Scope } from '../../policy/policy.ts';
import { SiteUsage } from './usage.ts';

/** The response. */
export const Me = z.object({
  tenant: Id,
  site: Id,
  subject: z.string().meta({ description: 'the subject of the token; `key:<id>` for an API key' }),
  scopes: z.array(Scope).readonly(),
  caller: z.string().optional().meta({ description: 'the only address that may dial' }),
  limits: Limits.meta({
    description: 'the limits in force; those of the whole tenant are the share of this site',
  }),
  usage: SiteUsage.optional().meta({
    description: 'absent for a token without the scope `read`, and for one that is bound to a caller',
  }),
  expires: z.iso.datetime().optional().meta({ description: 'when the token expires' }),
});
export type Me = z.infer<typeof Me>;
