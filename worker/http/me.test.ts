/** Clients can read their own permissions, and the console is served with a strict policy. */
import { env, exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { SCOPES } from '../../shared/policy/policy.ts';
import { createApp } from '../app.ts';
import { UNLIMITED_POLICY } from '../auth/demo-authenticator.ts';
import { GrantCache } from '../auth/grant-cache.ts';
import { TenantAuthenticator } from '../auth/tenant-authenticator.ts';
import { issueToken } from '../auth/tokens.ts';
import { ACCESS_GRANT, scriptedTenants } from '../testing/tenants.ts';

const request = (path: string) => exports.default.fetch(`http://localhost${path}`);

it('describes the open tenant with all scopes', async () => {
  expect(await (await request('/v1/me')).json()).toEqual({
    tenant: 'demo',
    site: 'demo',
    subject: 'demo',
    scopes: [...SCOPES],
    limits: UNLIMITED_POLICY.limits,
    usage: { stored_bytes: expect.any(Number) },
  });
});

it('describes a token with its site, subject, scopes, caller and expiry', async () => {
  const { env: testEnv } = scriptedTenants(() => ACCESS_GRANT);
  const authenticator = new TenantAuthenticator(new GrantCache());
  const worker = createApp(authenticator, authenticator);
  const expires = Math.ceil(Date.now() / 1_000) * 1_000 + 60_000;
  const caller = 'sip:alice@example.com';
  const claims = { tenant: 'acme', site: 'north', subject: 'sub:alice', key: 'k1', caller, expires } as const;
  const token = await issueToken({ ...claims, scopes: ['CallStart', 'read'] }, env);
  const me = (headers: Record<string, string>) =>
    worker.fetch(new Request('https://calls.example.com/v1/me', { headers }), testEnv);
  expect(await (await me({ Authorization: `Bearer ${token}` })).json()).toEqual({
    tenant: 'acme',
    site: 'north',
    subject: 'alice',
    scopes: ['CallStart', 'read'],
    limits: ACCESS_GRANT.policy.limits,
    caller,
    expires: new Date(expires).toISOString(),
  });
  expect((await me({})).status).toBe(401);
  // The console of the same host may read it, other pages may not unless the tenant allows them.
  const requestFrom = (origin: string) => me({ Authorization: `Bearer ${token}`, Origin: origin });
  expect((await requestFrom('https://calls.example.com')).status).toBe(200);
  expect((await requestFrom('http://calls.example.com')).status).toBe(403);
  expect((await requestFrom('https://evil.example')).status).toBe(403);
});

it('serves the console with a policy that lets it load only itself', async () => {
  const page = await request('/');
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
  const file = await request(script);
  expect(file.headers.get('Content-Type')).toContain('javascript');
  expect(file.headers.get('Cache-Control')).toContain('immutable');
  expect(await file.text()).not.toBe('');
});

it.each(['/assets/nothing.js', '/index.htm', '/src/main.tsx'])('responds with 404 to %s', async (path) => {
  const response = await request(path);
  expect(response.status).toBe(404);
  expect(response.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
});
