/** Parses the request of a route into the params of its JSON-RPC method, or the problem with it. @module */
import * as z from 'zod';
import { parseJson } from '../../shared/protocol/exact-json.ts';
import type { Problem } from '../../shared/protocol/http/problem.ts';
import { IdempotencyKey, type Route } from '../../shared/protocol/http/routes.ts';
import { errorCode, withExactMetadata } from '../../shared/protocol/rpc/jsonrpc.ts';
import { validate } from '../../shared/protocol/validation/validate.ts';
import { problemOf } from '../errors/problem.ts';

const KEY_HEADER = 'Idempotency-Key';
const KeyHeader = z.object({ [KEY_HEADER]: IdempotencyKey });

export interface ParsedRequest {
  readonly query: Readonly<Record<string, unknown>>;
  /** The params of the route's method, from the path, the query, the body and `Idempotency-Key`. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** The parts of a request before validation. */
export interface RequestParts {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly idempotencyKey: string | null;
  /** Empty where there is none. */
  readonly body: string;
}

/** Validates a request by the schemas of its route. */
export function parseRequest(
  route: Route,
  { path, query, idempotencyKey, body }: RequestParts,
): ParsedRequest | Problem {
  const pathParams = route.pathParams ? check(route.pathParams, path, 'The path') : {};
  if (isProblem(pathParams)) return pathParams;
  const queryParams = check(route.query, unwrapSingleValues(query), 'The query');
  if (isProblem(queryParams)) return queryParams;
  const bodyParams = route.body ? parseBody(route.body, body, route.isBodyOptional === true) : {};
  if (isProblem(bodyParams)) return bodyParams;
  const key = route.isCommand ? parseIdempotencyKey(idempotencyKey) : {};
  if (isProblem(key)) return key;
  const { site: _, access_token: __, wait: ___, ...methodQuery } = queryParams;
  const { callid, ...otherPathParams } = pathParams;
  const call = callid === undefined ? {} : { [route.callidParam ?? 'callid']: callid };
  return {
    query: queryParams,
    params: { ...methodQuery, ...bodyParams, ...otherPathParams, ...call, ...key },
  };
}

/** Returns whether a value is a problem. No request that is parsed here has a numeric `status`. */
export function isProblem(value: object): value is Problem {
  return 'detail' in value && 'status' in value && typeof value.status === 'number';
}

function parseBody(schema: z.ZodType, text: string, isOptional: boolean): Record<string, unknown> | Problem {
  if (text === '' && isOptional) return {};
  try {
    const body = check(schema, JSON.parse(text), 'The body');
    return isProblem(body) ? body : withExactMetadata(body, parseJson(text));
  } catch (error) {
    // JSON that is nested too deeply throws a RangeError. It is rejected like malformed JSON.
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    const data = 'The body is not JSON. Send an object with the params.';
    return problemOf({ code: errorCode.parseError, message: 'Parse error', data });
  }
}

/** Parses `Idempotency-Key`. Its draft 07 puts the value in quotes, which most clients omit. */
function parseIdempotencyKey(header: string | null): { readonly cmd_id?: string } | Problem {
  if (header === null) return {};
  const headers = check(KeyHeader, { [KEY_HEADER]: /^"(.*)"$/.exec(header)?.[1] ?? header }, 'The request');
  return isProblem(headers) ? headers : { cmd_id: String(headers[KEY_HEADER]) };
}

function check(schema: z.ZodType, value: unknown, name: string): Record<string, unknown> | Problem {
  const validated = validate(schema, value, name);
  return validated.success ? (validated.data as Record<string, unknown>) : invalidParams(validated.error);
}

function invalidParams(data: string): Problem {
  return problemOf({ code: errorCode.invalidParams, message: 'Invalid params', data });
}

function unwrapSingleValues(
  query: RequestParts['query'],
): Record<string, string | readonly string[] | undefined> {
  return Object.fromEntries(
    Object.entries(query).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}
