/** Headers that keep a browser from doing with an answer what nobody meant. @module */
import type { MiddlewareHandler } from 'hono';

/** What an answer says unless it says otherwise itself. */
const HEADERS = {
  // Nothing here is a page: an answer that a browser shows as one may load nothing, and stands in no frame.
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** Two years, as hstspreload.org recommends. */
const HSTS = 'max-age=63072000; includeSubDomains';

/** Adds them to every answer but a WebSocket's, which has no use for them. */
export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  const { res } = context;
  if (res.status === 101) return;
  // Those of an answer that came from elsewhere cannot be changed.
  const headers = new Headers(res.headers);
  for (const [name, value] of Object.entries(HEADERS)) if (!headers.has(name)) headers.set(name, value);
  if (new URL(context.req.url).protocol === 'https:') headers.set('Strict-Transport-Security', HSTS);
  context.res = new Response(res.body, { status: res.status, headers });
};
