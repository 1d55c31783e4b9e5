/** The authorization request that the Worker sends to a Tenant, and the Tenant's decision. @module */
import type { Location } from '../../shared/policy/locations.ts';
import type { KeyRole, Policy, Scope } from '../../shared/policy/policy.ts';
import type { AdapterProof, Challenge } from '../objects/adapter-proof.ts';

/** Who requests access, and to which site. */
export interface AccessRequest {
  /** Id of the key, whose MAC or whose token's signature has been verified. */
  readonly key: string;
  /** SHA-256 of the key's secret, in hex; absent for a token that the key has issued. */
  readonly secretHash?: string;
  /** The requested site; absent for the site that the key is for. */
  readonly site?: string;
}

/** The proof of an adapter that was dialed: see `shared/protocol/dial.ts`. */
export interface ProofRequest extends AdapterProof, Challenge {
  readonly site: string;
}

/** The decision. A denial does not say why: unknown, wrong or revoked key, no such site, deleted tenant. */
export type AccessDecision =
  | {
      readonly ok: true;
      readonly role: KeyRole;
      readonly scopes: readonly Scope[];
      /** The one site that the key is for; null for any site. */
      readonly site: string | null;
      /** The policy of the requested site; that of the whole tenant where no site is requested and the key is for any. */
      readonly policy: Policy;
      /** Where the site's object is to be created. */
      readonly locationHint?: Location;
      /** Origins of web pages that are allowed; `*` for any. */
      readonly origins: readonly string[];
    }
  | { readonly ok: false };

/** How long the Worker may cache a grant, in milliseconds: the longest time until a revocation takes effect. */
export const GRANT_TTL_MS = 30_000;
