/** The outcome of a change of settings, as plain values: errors lose their types when they cross RPC. @module */

/** The outcome of a change, as the object returns it to the Worker. */
export type Outcome<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** Sites that could not be reached yet. They are tried again until they are. */
      readonly unreachedSites: readonly string[];
    }
  | Rejection;

/** Why nothing was changed: an HTTP status, and a sentence that says what to do. */
export interface Rejection {
  readonly ok: false;
  readonly status: 401 | 403 | 404 | 409;
  readonly reason: string;
}

/** The result of a change within the object, before its sites have been notified. */
export type ChangeResult<T> = { readonly ok: true; readonly value: T } | Rejection;

export function accept<T>(value: T): ChangeResult<T> {
  return { ok: true, value };
}

export function reject(status: Rejection['status'], reason: string): Rejection {
  return { ok: false, status, reason };
}
