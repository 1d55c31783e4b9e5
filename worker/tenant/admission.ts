/** What the door asks of a Tenant, and what it is told. @module */
import type { Policy, Scope } from '../../shared/policy.ts';
import type { Role } from '../door/api-keys.ts';

/** Who wants in, and where to. */
export interface Petition {
  /** Id of the key, whose MAC the door has found right. */
  readonly key: string;
  /** SHA-256 of the key's secret, in hex; absent where a token asks on behalf of the key that minted it. */
  readonly secretHash?: string;
  /** The site; absent: the one that the key is for. */
  readonly site?: string;
}

/** The answer. One refusal for all reasons: unknown, wrong, revoked, no such site, deleted. */
export type Admission =
  | {
      readonly ok: true;
      readonly role: Role;
      readonly scopes: readonly Scope[];
      /** The one site that the key is for; null: any. */
      readonly site: string | null;
      /** Of the site asked for; where none was asked for and the key is for any, what holds for the whole tenant. */
      readonly policy: Policy;
      /** Near which the site's object is to be made. */
      readonly locationHint?: Location;
      /** Origins of web pages that may come in; `*` is any. */
      readonly origins: readonly string[];
    }
  | { readonly ok: false };

/** Where the platform can place an object (developers.cloudflare.com/durable-objects/reference/data-location). */
export const LOCATIONS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const;
export type Location = (typeof LOCATIONS)[number];

/** An admission is kept by a door for so long at most, in milliseconds: so late does it hear of a revocation. */
export const ADMISSION_KEPT_MS = 30_000;
