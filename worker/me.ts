/** Who is it that asks, and what may they do: so a page can show what it can. Pure. @module */
import type { Client, Visitor } from './door/door.ts';

/** As the answer of `GET /v1/me` says it. */
export interface Me {
  readonly tenant: string;
  readonly site: string;
  /** As the token was minted for; `key:<id>` of an API key. */
  readonly subject: string;
  readonly scopes: readonly string[];
  /** The only address that may dial. */
  readonly caller?: string;
  /** When the token ends, in ISO 8601. */
  readonly expires?: string;
}

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
