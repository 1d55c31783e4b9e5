/**
 * What web pages of other origins may do with the API. A preflight brings no key, so nobody can tell whose origins
 * count, and every page is told the same: it may ask. What it then asks is judged at the door, by the origins of the
 * tenant whose key or token it brings, and is neither run nor shown to a page of another origin.
 * @module
 */

/** Seconds that a browser may keep the answer to a preflight: as many as any keeps it. */
const KEPT_S = '7200';

/** Answers a preflight (https://fetch.spec.whatwg.org/#cors-preflight-fetch). */
export function preflight(origin: string, verbs: readonly string[]): Response {
  const headers = {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Methods': verbs.join(', '),
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID',
    'Access-Control-Max-Age': KEPT_S,
    Vary: 'Origin',
  };
  return new Response(null, { status: 204, headers });
}

/** Lets the page that asked read the answer: one that the door has let in. */
export function readable(answer: Response, request: Request): Response {
  const origin = request.headers.get('Origin');
  if (origin === null) return answer;
  const { status, body } = answer;
  // Those of an answer that came from elsewhere cannot be changed.
  const headers = new Headers(answer.headers);
  headers.set('Access-Control-Allow-Origin', origin);
  headers.set('Access-Control-Expose-Headers', 'Location, Retry-After');
  headers.append('Vary', 'Origin');
  return new Response(body, { status, headers });
}
