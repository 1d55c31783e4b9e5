/** What a request asks for, by the route that it came to: or the problem with it. @module */
import type * as z from 'zod';
import { IdempotencyKey, type Problem, type Route } from '../../shared/http.ts';
import { code, issues } from '../../shared/jsonrpc.ts';
import { problemOf } from '../problem.ts';

/** What stands in a request. */
export interface Asked {
  readonly query: Readonly<Record<string, unknown>>;
  /** From the path, the query and the body, as its method has them. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** The parts of a request, as they came. */
export interface Parts {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly idempotencyKey: string | null;
  /** Empty where there is none. */
  readonly body: string;
}

/** Reads a request by what its route takes. */
export function read(route: Route, { path, query, idempotencyKey, body }: Parts): Asked | Problem {
  const named = route.params ? checked(route.params, path) : {};
  if (isProblem(named)) return named;
  const asked = checked(route.query, flat(query));
  if (isProblem(asked)) return asked;
  const given = route.body ? readBody(route.body, body, route.isBodyOptional === true) : {};
  if (isProblem(given)) return given;
  const key = route.isCommand ? keyOf(idempotencyKey) : {};
  if (isProblem(key)) return key;
  const { site: _, access_token: __, wait: ___, ...more } = asked;
  const { callid, ...rest } = named;
  const call = callid === undefined ? {} : { [route.callidAs ?? 'callid']: callid };
  return { query: asked, params: { ...more, ...given, ...rest, ...call, ...key } };
}

/** Is it one? Nothing else that is read here has a status that is a number. */
export function isProblem(read: object): read is Problem {
  return 'detail' in read && 'status' in read && typeof read.status === 'number';
}

function readBody(schema: z.ZodType, text: string, isOptional: boolean): Record<string, unknown> | Problem {
  if (text === '' && isOptional) return {};
  try {
    return checked(schema, JSON.parse(text));
  } catch (error) {
    // What is nested too deeply to be looked at is read no more than what is no JSON.
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    const data = 'the body is not JSON; send an object with the params';
    return problemOf({ code: code.parseError, message: 'Parse error', data });
  }
}

/** Draft-07 of the header has its value in quotes; most who send it leave them out. */
function keyOf(header: string | null): { readonly cmd_id?: string } | Problem {
  if (header === null) return {};
  const key = IdempotencyKey.safeParse(/^"(.*)"$/.exec(header)?.[1] ?? header);
  return key.success ? { cmd_id: key.data } : invalid(`Idempotency-Key: ${issues(key.error)}`);
}

function checked(schema: z.ZodType, value: unknown): Record<string, unknown> | Problem {
  const read = schema.safeParse(value);
  return read.success ? (read.data as Record<string, unknown>) : invalid(issues(read.error));
}

function invalid(data: string): Problem {
  return problemOf({ code: code.invalidParams, message: 'Invalid params', data });
}

function flat(query: Parts['query']): Record<string, string | readonly string[] | undefined> {
  return Object.fromEntries(
    Object.entries(query).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}
