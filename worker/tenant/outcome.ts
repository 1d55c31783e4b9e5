/** How a change by an administrator ends. It crosses RPC, which keeps values and loses the types of errors. @module */

export type Outcome<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** Sites that could not be told yet; they are, as soon as they can be reached. */
      readonly untold: readonly string[];
    }
  | Refused;

/** Why nothing was changed: a status of HTTP, and a sentence that says what to do. */
export interface Refused {
  readonly ok: false;
  readonly status: 404 | 409;
  readonly reason: string;
}

/** What a change gives within the object. */
export type Made<T> = { readonly ok: true; readonly value: T } | Refused;

export function made<T>(value: T): Made<T> {
  return { ok: true, value };
}

export function refused(status: Refused['status'], reason: string): Refused {
  return { ok: false, status, reason };
}
