/** Who asks learns what it may do; the console is there, and may load nothing but itself. */
import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { SCOPES } from '../shared/policy.ts';
import { app } from './app.ts';
import { TenantsDoor } from './door/admission.ts';
import { Admissions } from './door/admissions.ts';
import { mintToken } from './door/tokens.ts';
import { GRANTED, tenantsThat } from './testing/tenants.ts';

const ask = (path: string) => exports.default.fetch(`http://localhost${path}`);

it('the open tenant may do all', async () => {
  expect(await (await ask('/v1/me')).json()).toEqual({
    tenant: 'demo',
    site: 'demo',
    subject: 'demo',
    scopes: [...SCOPES],
  });
});

it('a token says whose it is, what it may do, from where, and until when', async () => {
  const { env: within } = tenantsThat(() => GRANTED);
  const tenants = new TenantsDoor(new Admissions());
  const worker = app(tenants, tenants);
  const expires = Math.ceil(Date.now() / 1_000) * 1_000 + 60_000;
  const caller = 'sip:alice@example.com';
  const claims = { tenant: 'acme', site: 'north', subject: 'sub:alice', key: 'k1', caller, expires } as const;
  const token = await mintToken({ ...claims, scopes: ['CallStart', 'read'] }, env);
  const me = (headers: Record<string, string>) =>
    worker.fetch(new Request('https://calls.example.com/v1/me', { headers }), within);
  expect(await (await me({ Authorization: `Bearer ${token}` })).json()).toEqual({
    tenant: 'acme',
    site: 'north',
    subject: 'alice',
    scopes: ['CallStart', 'read'],
    caller,
    expires: new Date(expires).toISOString(),
  });
  expect((await me({})).status).toBe(401);
  // The console of that very host, and no other page that is not on the tenant's list.
  const from = (origin: string) => me({ Authorization: `Bearer ${token}`, Origin: origin });
  expect((await from('https://calls.example.com')).status).toBe(200);
  expect((await from('http://calls.example.com')).status).toBe(403);
  expect((await from('https://evil.example')).status).toBe(403);
});

it('serves the console, which may load itself and nothing else', async () => {
  const page = await ask('/');
  expect(page.status).toBe(200);
  expect(page.headers.get('Content-Type')).toContain('text/html');
  const csp = page.headers.get('Content-Security-Policy') ?? '';
  expect(csp).toContain("default-src 'none'");
  expect(csp).toContain("script-src 'self'");
  expect(csp).toContain("frame-ancestors 'none'");
  expect(csp).not.toContain('unsafe');
  expect(page.headers.get('X-Content-Type-Options')).toBe('nosniff');
  const html = await page.text();
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? '';
  const file = await ask(script);
  expect(file.headers.get('Content-Type')).toContain('javascript');
  expect(file.headers.get('Cache-Control')).toContain('immutable');
  expect(await file.text()).not.toBe('');
});

it.each(['/assets/nothing.js', '/index.htm', '/src/main.tsx'])('%s is not there', async (path) => {
  const answer = await ask(path);
  expect(answer.status).toBe(404);
  expect(answer.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
});
