/** The limit of requests of an address, which the platform counts. */
import { env } from 'cloudflare:test';
import { expect, it, vi } from 'vitest';
import { createApp } from '../app.ts';
import { GrantCache } from '../auth/grant-cache.ts';
import { TenantAuthenticator } from '../auth/tenant-authenticator.ts';

const authenticator = new TenantAuthenticator(new GrantCache());

/** Requests a path as from an address. Returns the response, and for which addresses requests were counted. */
async function request(path: string, address: string | undefined, success: boolean) {
  const limit = vi.fn(async () => ({ success }));
  const authenticate = vi.spyOn(authenticator, 'authenticateClient');
  const headers = address === undefined ? {} : { 'CF-Connecting-IP': address };
  const response = await createApp(authenticator, authenticator).fetch(
    new Request(`https://edge${path}`, { headers }),
    { ...env, REQUESTS: { limit } },
  );
  const wasAuthenticated = authenticate.mock.calls.length > 0;
  authenticate.mockRestore();
  return { response, counted: limit.mock.calls, wasAuthenticated };
}

it.each(['/call-api', '/adapter', '/v1/calls', '/v1/admin/tenants', '/healthz', '/'])(
  'refuses %s of an address with too many requests before it looks at the credential',
  async (path) => {
    const { response, counted, wasAuthenticated } = await request(path, '192.0.2.1', false);
    expect(counted).toEqual([[{ key: '192.0.2.1' }]]);
    expect(response.status).toBe(429);
    expect(response.headers.get('Retry-After')).toBe('10');
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('192.0.2.1') });
    expect(wasAuthenticated).toBe(false);
  },
);

it('lets others pass, and counts nothing where no platform names the address', async () => {
  expect((await request('/call-api', '192.0.2.2', true)).response.status).toBe(401);
  const unnamed = await request('/call-api', undefined, false);
  expect(unnamed.counted).toEqual([]);
  expect(unnamed.response.status).toBe(401);
});
