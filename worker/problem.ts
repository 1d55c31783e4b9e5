/** Answers to HTTP requests that fail: problem details (RFC 9457), with the codes that JSON-RPC has. @module */
import { ERRORS, kinds, type Problem } from '../shared/http.ts';
import { code, type RpcError } from '../shared/jsonrpc.ts';
import { LOOK_AGAIN_S } from './limits.ts';

/** Answers an HTTP request that fails: what happened and what to do. */
export function problem(status: number, detail: string, headers: Record<string, string> = {}): Response {
  return respond({ status, detail }, headers);
}

/** Answers with a problem. One that may be over later says when to try again. */
export function respond(problem: Problem, headers: Record<string, string> = {}): Response {
  const wait = problem.retry_after === undefined ? {} : { 'Retry-After': String(problem.retry_after) };
  const type = { 'Content-Type': 'application/problem+json' };
  const { status } = problem;
  const known = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {};
  return Response.json(problem, { status, headers: { ...type, ...known, ...wait, ...headers } });
}

/** An error of JSON-RPC as a problem. */
export function problemOf({ code: number, message, data }: RpcError): Problem {
  const { status, type } = kinds[number] ?? { status: 500, type: 'internal-error' };
  const about = { type: ERRORS + type, title: message, status };
  if (typeof data === 'object' && data !== null && 'reason' in data) {
    const { reason, ...more } = data;
    return { ...about, detail: String(reason), code: number, ...more };
  }
  const later = number === code.noAdapter ? { retry_after: LOOK_AGAIN_S } : {};
  return { ...about, detail: String(data ?? message), code: number, ...later };
}
