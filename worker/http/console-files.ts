/** Serves the static files of the console, with a Content-Security-Policy. @module */

/**
 * The page may load its own scripts, styles and images, and connect to its own host. `'self'` includes `ws:` and `wss:` of
 * the same host (CSP Level 3 §6.7.2.8).
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Files below this path have a hash of their content in their names, so they never change. */
const HASHED_FILES = '/assets/';
const IMMUTABLE = 'public, max-age=31536000, immutable';
/** Other files are requested each time. `If-None-Match` makes that cheap where the platform sends an ETag. */
const REVALIDATE = 'no-cache';

/** Returns the file of a request, or undefined where there is none. */
export async function fetchConsoleFile(request: Request, { ASSETS }: Env): Promise<Response | undefined> {
  const file = await ASSETS.fetch(request);
  if (file.status === 404) {
    await file.body?.cancel();
    return undefined;
  }
  const isHashed = new URL(request.url).pathname.startsWith(HASHED_FILES);
  const headers = new Headers(file.headers);
  headers.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  headers.set('Cache-Control', isHashed ? IMMUTABLE : REVALIDATE);
  return new Response(file.body, { status: file.status, headers });
}
