/** Who is it that asks, and what may they do: so a page can show what it can. Pure. @module */
import * as z from 'zod';
import { Id, Scope } from '../shared/policy.ts';
import type { Client, Visitor } from './door/visitor.ts';

/** As the answer of `GET /v1/me` says it. */
export const Me = z.object({
  tenant: Id,
  site: Id,
  subject: z.string().meta({ description: 'as the token was minted for; `key:<id>` of an API key' }),
  scopes: z.array(Scope).readonly(),
  caller: z.string().optional().meta({ description: 'the only address that may dial' }),
  expires: z.iso.datetime().optional().meta({ description: 'when the token ends' }),
});
export type Me = z.infer<typeof Me>;

export function me({ place, who }: Visitor<Client>): Me {
  const [tenant = '', site = ''] = place.split('/');
  const { subject, scopes, caller, expires } = who;
  return {
    tenant,
    site,
    subject: subject.replace(/^sub:/, ''),
    scopes,
    ...(caller === undefined ? {} : { caller }),
    ...(expires === undefined ? {} : { expires: new Date(expires).toISOString() }),
  };
}
