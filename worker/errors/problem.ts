/** Error responses over HTTP: problem details (RFC 9457) with the error codes of JSON-RPC. @module */
import { PROBLEM_TYPE_PREFIX, PROBLEM_TYPES, type Problem } from '../../shared/protocol/http/problem.ts';
import { errorCode, type RpcError } from '../../shared/protocol/rpc/jsonrpc.ts';

/** `Retry-After` in seconds, where it cannot be known when calls or sessions end. */
export const RETRY_AFTER_S = 5;

/** Returns an error response. @param detail what happened and what to do */
export function problemResponse(
  status: number,
  detail: string,
  headers: Record<string, string> = {},
): Response {
  return respondWithProblem({ status, detail }, headers);
}

/** Returns a problem as a response, with `Retry-After` where it is temporary. */
export function respondWithProblem(problem: Problem, headers: Record<string, string> = {}): Response {
  const { status, retry_after } = problem;
  const retry = retry_after === undefined ? {} : { 'Retry-After': String(retry_after) };
  const authenticate = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {};
  const type = { 'Content-Type': 'application/problem+json' };
  return Response.json(problem, { status, headers: { ...type, ...authenticate, ...retry, ...headers } });
}

/** Converts a JSON-RPC error to a problem. */
export function problemOf({ code, message, data }: RpcError): Problem {
  const { status, type } = PROBLEM_TYPES[code] ?? { status: 500, type: 'internal-error' };
  const problem = { type: PROBLEM_TYPE_PREFIX + type, title: message, status };
  if (typeof data === 'object' && data !== null && 'reason' in data) {
    const { reason, ...details } = data;
    return { ...problem, detail: String(reason), code, ...details };
  }
  const retry = code === errorCode.noAdapter ? { retry_after: RETRY_AFTER_S } : {};
  return { ...problem, detail: String(data ?? message), code, ...retry };
}
