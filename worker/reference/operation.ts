/** A route with what it takes and what it answers, as documents tell it. @module */
import type * as z from 'zod';

/** What opens a route: a key or a token, an API key, an adapter's key, the admin secret, or nothing. */
export type Opener = 'client' | 'apiKey' | 'adapterKey' | 'admin' | 'nothing';

/** A route. */
export interface Operation {
  readonly verb: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With `{name}` for each of its params. */
  readonly path: string;
  /** What it does, in a few words. */
  readonly means: string;
  readonly group: string;
  readonly opener: Opener;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly isBodyOptional?: true;
  /** The status where it goes well. */
  readonly status: number;
  /** What is answered then; absent: no JSON. */
  readonly answer?: z.ZodType;
  /** Content type of that answer, where it is not `application/json`. */
  readonly type?: string;
  /** Headers of that answer, by what they say. */
  readonly says?: Readonly<Record<string, string>>;
  /** What else may be answered, by its status; null: without a body. */
  readonly also?: Readonly<Record<number, z.ZodType | null>>;
  /** Statuses of what may go wrong: each is answered with a `Problem`. */
  readonly problems: readonly number[];
}
