/** The description of a route for the OpenAPI document. @module */
import type * as z from 'zod';

/** The credential that a route requires. `client` is an API key or a token. */
export type Credential = 'client' | 'apiKey' | 'adapterKey' | 'admin' | 'none';

/** A route with its parameters and responses. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Has a `{name}` for each of the `pathParams`. */
  readonly path: string;
  /** What it does, in a few words. */
  readonly summary: string;
  readonly tag: string;
  readonly credential: Credential;
  readonly pathParams?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly isBodyOptional?: true;
  /** The status of a success. */
  readonly status: number;
  /** The JSON of a success; absent where it is not JSON. */
  readonly response?: z.ZodType;
  /** The content type of a success. Default: `application/json`. */
  readonly contentType?: string;
  /** Descriptions of the headers of a success, by name. */
  readonly responseHeaders?: Readonly<Record<string, string>>;
  /** Other responses that are not problems, by status; null without a body. */
  readonly otherResponses?: Readonly<Record<number, z.ZodType | null>>;
  /** The statuses of errors. Each is reported as a `Problem`. */
  readonly problems: readonly number[];
}
