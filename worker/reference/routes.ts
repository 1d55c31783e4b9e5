/**
 * The documents of this service. They are made of the very schemas that requests are checked with, when somebody
 * first asks for them, so that no start waits for them.
 * @module
 */
import { Hono } from 'hono';
import { version } from '../../package.json';
import { asyncApi } from '../../shared/reference/asyncapi.ts';
import { openRpc } from '../../shared/reference/openrpc.ts';
import { openApi } from './openapi.ts';
import { page } from './page.ts';
import { STYLE } from './style.ts';

/** The OpenRPC document, also the answer to `rpc.discover`. */
export const discovered = once(() => openRpc(version));

const described = once(() => openApi(version));

const documents = {
  '/openapi.json': once(() => JSON.stringify(described())),
  '/openrpc.json': once(() => JSON.stringify(discovered())),
  '/asyncapi.json': once(() => JSON.stringify(asyncApi(version))),
};

/** They tell nothing of anybody: every page may read them, and keep them for five minutes. */
const FRESH = 'public, max-age=300';
const HEADERS = {
  'Content-Type': 'application/json',
  'Access-Control-Allow-Origin': '*',
  'Cache-Control': FRESH,
};

/** The page, with what it may do: be styled by what stands in it, and show the icon of this host. */
const read = once(async () => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(STYLE));
  const style = `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
  const text = page(discovered(), described());
  const policy = [
    "default-src 'none'",
    `style-src ${style}`,
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { text, policy };
});

/** The routes of documents; they need no token. */
export function reference(): Hono {
  const routes = new Hono();
  for (const [path, text] of Object.entries(documents))
    routes.get(path, () => new Response(text(), { headers: HEADERS }));
  return (
    routes
      .get('/docs', async () => {
        const { text, policy } = await read();
        const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy };
        return new Response(text, { headers: { ...headers, 'Cache-Control': FRESH } });
      })
      // Where the `type` of a problem points: what follows `#` is kept over this.
      .get('/docs/errors', ({ redirect }) => redirect('/docs'))
  );
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
