/**
 * CORS: what web pages of other origins may do with the API. A preflight carries no key, so the tenant and its origins are
 * unknown, and every page may send its request. The request itself is checked during authentication, against the origins
 * of the tenant of its key or token: for other origins it is neither run, nor can the page read the response.
 * @module
 */

/** How long browsers may cache a preflight, in seconds. No browser caches it longer. */
const MAX_AGE_S = '7200';

/** Returns the response to a preflight (https://fetch.spec.whatwg.org/#cors-preflight-fetch). */
export function respondToPreflight(origin: string, methods: readonly string[]): Response {
  const headers = {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Methods': methods.join(', '),
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID',
    'Access-Control-Max-Age': MAX_AGE_S,
    Vary: 'Origin',
  };
  return new Response(null, { status: 204, headers });
}

/** Lets the page that sent the request read the response. Call it only for allowed origins. */
export function withCorsHeaders(response: Response, request: Request): Response {
  const origin = request.headers.get('Origin');
  if (origin === null) return response;
  const { status, body } = response;
  // The headers of a fetched response are immutable.
  const headers = new Headers(response.headers);
  headers.set('Access-Control-Allow-Origin', origin);
  headers.set('Access-Control-Expose-Headers', 'Location, Retry-After');
  headers.append('Vary', 'Origin');
  return new Response(body, { status, headers });
}
