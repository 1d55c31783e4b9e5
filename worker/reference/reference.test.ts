/** The reference documents describe the served routes, and are served safely. */
import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { version } from '../../package.json';
import { createOpenRpc } from '../../shared/reference/openrpc.ts';
import { createApp } from '../app.ts';
import { demoAuthenticator } from '../auth/demo-authenticator.ts';
import type { OpenApi, OpenApiOperation } from './openapi.ts';
import { operations } from './operations.ts';

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

it('links /docs and /docs/http to each other, and every route to its description', async () => {
  const text = await (await get('/docs')).text();
  const http = await (await get('/docs/http')).text();
  expect(http).toContain('href="/docs"');
  for (const { operationId } of await documentedOperations()) {
    expect(text).toContain(`href="/docs/http#${operationId}"`);
    expect(http).toContain(`id="${operationId}"`);
  }
});

it('has a request sample in each language for every operation', async () => {
  for (const operation of await documentedOperations())
    expect(
      operation['x-codeSamples'].map(({ label }) => label),
      operation.operationId,
    ).toEqual(['curl', 'JavaScript', 'Python']);
});

it('has an example of every required body, which the route accepts', async () => {
  for (const { operationId, requestBody } of await documentedOperations()) {
    const example = requestBody?.content['application/json']?.example;
    if (requestBody?.required) expect(example, operationId).toBeDefined();
    if (example !== undefined)
      expect(operations[operationId]?.body?.safeParse(example), operationId).toMatchObject({ success: true });
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

  it('is the target of the type of a problem', async () => {
    const response = await get('/docs/errors');
    expect([response.status, response.headers.get('Location')]).toEqual([302, '/docs']);
  });
});

describe.each(['/docs', '/docs/http'])('the page at %s', (path) => {
  it('loads nothing but the script of its search, and is small', async () => {
    const response = await get(path);
    expect(response.headers.get('Content-Security-Policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'sha256-[^']+'; img-src 'self'; base-uri 'none';/,
    );
    const text = await response.text();
    expect(text.match(/<script[^>]*>/g)).toEqual(['<script type="module" src="/docs/search.js">']);
    expect(text).not.toMatch(/<iframe|\bsrc="(?!\/docs\/)|href="(?!#|\/)| style=| on[a-z]+=/);
    const compressed = new Response(text).body?.pipeThrough(new CompressionStream('gzip'));
    expect((await new Response(compressed).arrayBuffer()).byteLength).toBeLessThan(32_768);
  });
});

async function documentedOperations(): Promise<OpenApiOperation[]> {
  return Object.values((await openApi()).paths).flatMap((methods) => Object.values(methods));
}
