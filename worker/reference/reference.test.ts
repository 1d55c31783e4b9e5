/** The reference documents describe the served routes, and are served safely. */
import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { version } from '../../package.json';
import { createOpenRpc } from '../../shared/reference/openrpc.ts';
import { createApp } from '../app.ts';
import { demoAuthenticator } from '../auth/demo-authenticator.ts';
import type { OpenApi } from './openapi.ts';

const edge = createApp(demoAuthenticator);
const get = (path: string) => edge.request(`http://localhost${path}`, {}, env);
const openApi = async () => (await (await get('/openapi.json')).json()) as OpenApi;

/** Returns the routes of the router, such as `GET /v1/calls/:callid`. Middleware and 405 responses apply to all methods. */
function servedRoutes(): string[] {
  const routes = edge.routes.filter(({ method }) => method !== 'ALL' && method !== 'OPTIONS');
  // The pattern of a param, as in `:n{[0-9]+}`, is removed.
  return [...new Set(routes.map(({ method, path }) => `${method} ${path.replace(/\{[^}]*\}/g, '')}`))].sort();
}

it('documents exactly the routes and methods that are served', async () => {
  const { paths } = await openApi();
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
  // The router has the files of the console as a wildcard.
  expect(servedRoutes()).toEqual(
    documented.map((route) => route.replace('/assets/:file', '/assets/*')).sort(),
  );
});

it('serves each document with the version of the service to any origin', async () => {
  for (const path of ['/openapi.json', '/openrpc.json', '/asyncapi.json']) {
    const response = await get(path);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(await response.json(), path).toMatchObject({ info: { version } });
  }
});

describe('the page at /docs', () => {
  it('contains every method, event, route and error', async () => {
    const text = await (await get('/docs')).text();
    const { paths } = await openApi();
    for (const { name } of createOpenRpc(version).methods) expect(text).toContain(`id="${name}"`);
    for (const path of Object.keys(paths)) expect(text).toContain(`</span> ${path}</code>`);
    expect(text).toContain('CalleeAnswered');
    expect(text).toContain('id="too-many"');
  });

  it('loads nothing, runs no scripts, and is small', async () => {
    const response = await get('/docs');
    const policy = response.headers.get('Content-Security-Policy');
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; img-src 'self';/);
    const text = await response.text();
    expect(text).not.toMatch(/<script|<iframe|\bsrc=|href="(?!#|\/)/);
    const compressed = new Response(text).body?.pipeThrough(new CompressionStream('gzip'));
    expect((await new Response(compressed).arrayBuffer()).byteLength).toBeLessThan(32_768);
  });

  it('is the target of the type of a problem', async () => {
    const response = await get('/docs/errors');
    expect([response.status, response.headers.get('Location')]).toEqual([302, '/docs']);
  });
});
