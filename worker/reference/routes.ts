/**
 * Serves the reference documents. They are created from the schemas that validate requests, at their first request, so
 * that they do not delay a start.
 * @module
 */
import { Hono } from 'hono';
import { version } from '../../package.json';
import { createAsyncApi } from '../../shared/reference/asyncapi.ts';
import { createOpenRpc } from '../../shared/reference/openrpc.ts';
import { renderHttpPage } from './http-page.ts';
import { createOpenApi } from './openapi.ts';
import { STYLE } from './page-style.ts';
import { renderReferencePage } from './reference-page.ts';

/** Returns the OpenRPC document, which is also the result of `rpc.discover`. */
export const openRpcDocument = lazy(() => createOpenRpc(version));

const openApiDocument = lazy(() => createOpenApi(version));

const documents = {
  '/openapi.json': lazy(() => JSON.stringify(openApiDocument())),
  '/openrpc.json': lazy(() => JSON.stringify(openRpcDocument())),
  '/asyncapi.json': lazy(() => JSON.stringify(createAsyncApi(version))),
};

/** The documents are public: every page may read them, and caches keep them for five minutes. */
const CACHE_CONTROL = 'public, max-age=300';
const DOCUMENT_HEADERS = {
  'Content-Type': 'application/json',
  'Access-Control-Allow-Origin': '*',
  'Cache-Control': CACHE_CONTROL,
};

/** What the pages may load: their own style, by its digest, and the script of the search and the icon of this host. */
const contentSecurityPolicy = lazy(async () => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(STYLE));
  const styleHash = `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styleHash}`,
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
});

const pages = {
  '/docs': lazy(() => renderReferencePage(openRpcDocument(), openApiDocument())),
  '/docs/http': lazy(() => renderHttpPage(openApiDocument())),
};

/** Returns the routes of the documents, which require no credential. */
export function createReferenceRoutes(): Hono {
  const routes = new Hono();
  for (const [path, text] of Object.entries(documents))
    routes.get(path, () => new Response(text(), { headers: DOCUMENT_HEADERS }));
  for (const [path, page] of Object.entries(pages))
    routes.get(path, async () => {
      const headers = {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': await contentSecurityPolicy(),
        'Cache-Control': CACHE_CONTROL,
      };
      return new Response(page(), { headers });
    });
  // The `type` of a problem links here. Browsers keep the fragment when they follow the redirect.
  return routes.get('/docs/errors', ({ redirect }) => redirect('/docs'));
}

/** Returns a function that creates a value at its first call. */
function lazy<T>(create: () => T): () => T {
  let created: { readonly value: T } | undefined;
  return () => {
    created ??= { value: create() };
    return created.value;
  };
}
