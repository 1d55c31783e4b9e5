/** Tests the client with the tokens of a deployment: created, renewed, revoked and rejected. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CallApiError, type ConnectionState, connect } from '../../client/index.ts';
import { createToken } from '../../client/server.ts';
import { phoneUri } from '../harness/client.ts';
import { keyId, MultiTenantStack } from '../harness/multi-tenant-stack.ts';

let deployed: MultiTenantStack;
let url: string;

beforeAll(async () => {
  deployed = await MultiTenantStack.start({ tenants: 1, sites: 1 });
  url = `ws://127.0.0.1:${deployed.port}/call-api`;
}, 120_000);
afterAll(() => deployed[Symbol.asyncDispose]());

it('reconnects with another token after the API key of its token was revoked, and its call continues', async () => {
  const keys = await Promise.all([1, 2].map(() => deployed.createKey('t1', { role: 'api', site: 's1' })));
  const [first = '', second = ''] = keys;
  const unused = [...keys];
  const states: ConnectionState['status'][] = [];
  const api = connect({
    url,
    getToken: () => deployed.mintToken(unused.shift() ?? second, { subject: 'alice' }),
    onState: ({ status }) => states.push(status),
  });
  const start = api.callStart({ caller: phoneUri('ring'), callee: phoneUri('bob') });
  const events: string[] = [];
  for await (const { event } of start) {
    events.push(event);
    if (event !== 'CallerRinging') continue;
    await deployed.adminRequest('DELETE', `/tenants/t1/keys/${keyId(first)}`);
    // Sent by the same subject, on the old or the new socket.
    await start.end().ended;
  }
  expect(events).toEqual(['Started', 'CallerRinging', 'Error', 'Ended']);
  expect(states.filter((status) => status !== 'waiting' && status !== 'connecting')).toEqual([
    'open',
    'open',
  ]);
  api.close();
});

it('accepts a fresh token on the open socket', async () => {
  const { siteKey } = deployed.site('t1-s1');
  const api = connect({ url, token: await deployed.mintToken(siteKey, { subject: 'bob', expires_in: 60 }) });
  const token = await deployed.mintToken(siteKey, { subject: 'bob', expires_in: 3_600 });
  expect(await api.request('Authorize', { token })).toEqual({ expires: expect.any(String) });
  api.close();
});

it('closes the connection as unauthorized if its token is invalid', async () => {
  const api = connect({ url, token: 'no.such.token' });
  const error: unknown = await api.calls.list().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(CallApiError);
  expect(error).toMatchObject({
    code: -32002,
    message: expect.stringContaining('The token is invalid or expired'),
  });
  expect(api.state).toEqual({ status: 'closed', reason: 'unauthorized' });
});

it('connects with a token that createToken has created, and says why there is none', async () => {
  const apiKey = await deployed.createKey('t1', { role: 'api', site: 's1' });
  const options = { url: `http://127.0.0.1:${deployed.port}`, apiKey, subject: 'carol' };
  const { token, subject, site, expires } = await createToken({ ...options, expiresIn: 60 });
  expect([subject, site]).toEqual(['carol', 's1']);
  expect(Date.parse(expires)).toBeGreaterThan(Date.now());
  const api = connect({ url, getToken: async () => token });
  expect(await api.calls.list({ limit: 1 })).toHaveProperty('calls');
  api.close();
  await expect(createToken({ ...options, apiKey: 'wrong' })).rejects.toMatchObject({
    name: 'TokenError',
    status: 401,
    message: expect.stringContaining('API key'),
  });
  await expect(createToken({ ...options, expiresIn: 1 })).rejects.toMatchObject({ status: 400 });
});
