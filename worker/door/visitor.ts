/** Who comes to the door, and who stays outside. @module */
import type { Admitted } from '../admitted.ts';
import type { Location } from '../tenant/admission.ts';

/** Somebody who may come in. */
export interface Visitor<Who> {
  /** Name of the site's object: `tenant/site`. */
  readonly place: string;
  /** Near which the object is to be made. */
  readonly locationHint?: Location;
  readonly who: Who;
}

/** A client but for its session, which is not the door's to know. */
export type Client = Omit<Extract<Admitted, { readonly role: 'client' }>, 'session' | 'since'>;
export type Adapter = Extract<Admitted, { readonly role: 'adapter' }>;

/** Why somebody stays outside. */
export interface Refusal {
  readonly status: 400 | 401 | 403;
  readonly reason: string;
}

/** The one answer to a key or a token that is missing, made up, unknown, wrong, revoked or expired. */
export const UNKNOWN: Refusal = {
  status: 401,
  reason: 'a key or a token that holds is needed: send it as Authorization: Bearer',
};
