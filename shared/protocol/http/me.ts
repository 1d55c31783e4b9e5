/** `GET /v1/me`: the identity and the permissions of a client. @module */
import * as z from 'zod';
import { Id, Limits, Scope } from '../../policy/policy.ts';

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
  expires: z.iso.datetime().optional().meta({ description: 'when the token expires' }),
});
export type Me = z.infer<typeof Me>;
