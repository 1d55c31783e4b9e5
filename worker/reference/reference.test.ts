import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { version } from '../../package.json';
import { openRpc } from '../../shared/reference/openrpc.ts';
import { app } from '../app.ts';
import { demo } from '../door/demo.ts';
import type { OpenApi } from './openapi.ts';

const edge = app(demo);
const get = (path: string) => edge.request(`http://localhost${path}`, {}, env);
const openApi = async () => (await (await get('/openapi.json')).json()) as OpenApi;

/** As the router has them: `GET /v1/calls/:callid`. Middleware and answers to other verbs are for all verbs. */
function served(): string[] {
  const routes = edge.routes.filter(({ method }) => method !== 'ALL' && method !== 'OPTIONS');
  // Where the router knows of what shape a param is, that is left out: `:n{[0-9]+}`.
  return [...new Set(routes.map(({ method, path }) => `${method} ${path.replace(/\{[^}]*\}/g, '')}`))].sort();
}

it('what is documented is what is served: every route and every verb, no more and no less', async () => {
  const { paths } = await openApi();
  const documented = Object.entries(paths).flatMap(([path, verbs]) =>
    Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
  // A file of the console, whose name has no `/` in it.
  expect(served()).toEqual(documented.map((route) => route.replace('/assets/:file', '/assets/*')).sort());
});

it('each document is of this version, and any page may read it', async () => {
  for (const path of ['/openapi.json', '/openrpc.json', '/asyncapi.json']) {
    const response = await get(path);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(await response.json(), path).toMatchObject({ info: { version } });
  }
});

describe('the page at /docs', () => {
  it('has every method, event, route and error', async () => {
    const text = await (await get('/docs')).text();
    const { paths } = await openApi();
    for (const { name } of openRpc(version).methods) expect(text).toContain(`id="${name}"`);
    for (const path of Object.keys(paths)) expect(text).toContain(`</span> ${path}</code>`);
    expect(text).toContain('CalleeAnswered');
    expect(text).toContain('id="too-many"');
  });

  it('loads nothing, runs nothing, and is small', async () => {
    const response = await get('/docs');
    const policy = response.headers.get('Content-Security-Policy');
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; img-src 'self';/);
    const text = await response.text();
    expect(text).not.toMatch(/<script|<iframe|\bsrc=|href="(?!#|\/)/);
    const packed = new Response(text).body?.pipeThrough(new CompressionStream('gzip'));
    expect((await new Response(packed).arrayBuffer()).byteLength).toBeLessThan(32_768);
  });

  it('is where the type of a problem points', async () => {
    const response = await get('/docs/errors');
    expect([response.status, response.headers.get('Location')]).toEqual([302, '/docs']);
  });
});
