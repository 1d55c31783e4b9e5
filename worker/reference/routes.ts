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

/** The OpenRPC document, also the answer to `rpc.discover`. */
export const discovered = once(() => openRpc(version));

const documents = {
  '/openapi.json': once(() => JSON.stringify(openApi(version))),
  '/openrpc.json': once(() => JSON.stringify(discovered())),
  '/asyncapi.json': once(() => JSON.stringify(asyncApi(version))),
};

/** They tell nothing of anybody: every page may read them, and keep them for five minutes. */
const HEADERS = {
  'Content-Type': 'application/json',
  'Access-Control-Allow-Origin': '*',
  'Cache-Control': 'public, max-age=300',
};

/** The routes of documents; they need no token. */
export function reference(): Hono {
  const routes = new Hono();
  for (const [path, text] of Object.entries(documents))
    routes.get(path, () => new Response(text(), { headers: HEADERS }));
  return routes;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
