/** Adds security headers to every response. @module */
import type { MiddlewareHandler } from 'hono';

/** Headers of a response that does not set them itself. */
const DEFAULT_HEADERS = {
  // Most responses are no pages: where a browser shows one as a page, it may load nothing and is not framed.
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

/** Two years, as hstspreload.org recommends. */
const HSTS = 'max-age=63072000; includeSubDomains';

/** Adds the headers to every response except WebSocket upgrades, for which they have no meaning. */
export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  const { res } = context;
  if (res.status === 101) return;
  // The headers of a fetched response are immutable.
  const headers = new Headers(res.headers);
  for (const [name, value] of Object.entries(DEFAULT_HEADERS))
    if (!headers.has(name)) headers.set(name, value);
  if (new URL(context.req.url).protocol === 'https:') headers.set('Strict-Transport-Security', HSTS);
  context.res = new Response(res.body, { status: res.status, headers });
};
