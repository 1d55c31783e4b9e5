/** The console: static files that a browser may show as a page of ours, and nothing else may be loaded by it. @module */
import type { Env } from './env.ts';

/**
 * What the page may do: load its own scripts, styles and images, and connect to this very host. `'self'` covers
 * `ws:` and `wss:` of the same host too (CSP Level 3 §6.7.2.8).
 */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Files below this path have a hash of their content in their names: they never change. */
const HASHED = '/assets/';
const FOREVER = 'public, max-age=31536000, immutable';
/** A page is asked for anew each time; `If-None-Match` makes that cheap where the platform gives it an ETag. */
const ANEW = 'no-cache';

/** The file of that path; undefined where there is none. */
export async function consoleFile(request: Request, { ASSETS }: Env): Promise<Response | undefined> {
  const file = await ASSETS.fetch(request);
  if (file.status === 404) {
    await file.body?.cancel();
    return undefined;
  }
  const headers = new Headers(file.headers);
  headers.set('Content-Security-Policy', CSP);
  headers.set('Cache-Control', new URL(request.url).pathname.startsWith(HASHED) ? FOREVER : ANEW);
  return new Response(file.body, { status: file.status, headers });
}
