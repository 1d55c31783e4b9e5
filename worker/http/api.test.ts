/** The HTTP API of a deployment: its permissions and limits, and its responses to invalid requests. */
import { evictDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Limits } from '../../shared/policy/policy.ts';
import { createApp } from '../app.ts';
import { GrantCache } from '../auth/grant-cache.ts';
import { TenantAuthenticator } from '../auth/tenant-authenticator.ts';
import { issueToken } from '../auth/tokens.ts';
import { GRANT_TTL_MS } from '../tenant/access.ts';
import { MAX_REQUEST_MS } from '../tenant/outbox.ts';
import type { ScriptedAdapter } from '../testing/adapter.ts';
import { advanceClock } from '../testing/clock.ts';
import { createDeployedWorker, createHttpClient, type TokenOptions } from '../testing/http.ts';
import { statefulCalls } from '../testing/scenarios.ts';
import { policy, TestSite } from '../testing/site.ts';
import { ACCESS_GRANT, scriptedTenants } from '../testing/tenants.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

let site: TestSite;
let adapter: ScriptedAdapter | undefined;
let limits: Partial<Limits>;
beforeEach(() => {
  site = new TestSite();
  limits = {};
});
afterEach(() => {
  adapter?.close();
  adapter = undefined;
  vi.useRealTimers();
});

const createClient = (token: TokenOptions = {}) => createHttpClient(site, token, policy(limits));
const rpc = (method: string, params: object = {}, id: unknown = 1) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
});

it('starts, shows, holds, resumes and ends a call', async () => {
  adapter = await site.adapter(statefulCalls('made'));
  const request = await createClient();
  const started = await request('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'mine' });
  expect(started).toMatchObject({ status: 202, body: { cmd_id: 'mine', event: 'Started' } });
  expect(started.headers.get('Location')).toBe('/v1/commands/mine');
  const ended = await request('GET', '/v1/commands/mine?wait=60');
  expect(ended.body).toMatchObject({ cmd_id: 'mine', method: 'CallStart', state: 'ended' });
  expect(ended.body.events?.at(-1)).toMatchObject({ event: 'Ended' });
  expect((await request('GET', '/v1/calls/made')).body.call).toMatchObject({ state: 'answered', ...URIS });
  expect((await request('GET', '/v1/calls?state=answered&limit=1')).body.calls).toHaveLength(1);
  for (const [method, path, body] of [
    ['POST', '/v1/calls/made/hold', undefined],
    ['POST', '/v1/calls/made/unhold', {}],
    ['DELETE', '/v1/calls/made', undefined],
  ] as const) {
    const { status, headers } = await request(method, path, body);
    expect(status, path).toBe(202);
    const { body: command } = await request('GET', `${headers.get('Location')}?wait=60`);
    expect(command, path).toMatchObject({ state: 'ended' });
    expect(JSON.stringify(command), path).not.toContain('Error');
  }
  expect((await request('GET', '/v1/calls/made')).body.call).toMatchObject({ state: 'ended' });
});

it('responds only after the command is stored, so that an evicted object still knows it', async () => {
  const request = await createClient();
  adapter = await site.adapter(() => ({}));
  await request('POST', '/v1/rpc', rpc('CallEnd', { callid: 'none', cmd_id: 'kept' }));
  await evictDurableObject(site.object);
  expect((await request('GET', '/v1/commands/kept')).body).toMatchObject({ state: 'running', events: [] });
});

it('runs nothing for a key that is revoked while the body arrives', async () => {
  let isRevoked = false;
  const { env } = scriptedTenants(() => (isRevoked ? { ok: false } : ACCESS_GRANT));
  const authenticator = new TenantAuthenticator(new GrantCache(), () => Date.now());
  const claims = { tenant: site.tenant, site: site.site, subject: 'sub:alice', scopes: ACCESS_GRANT.scopes };
  const token = await issueToken({ ...claims, key: 'k1', expires: Date.now() + 3_600_000 }, env);
  const text = JSON.stringify(rpc('CallEnd', { callid: 'none', cmd_id: 'late' }));
  const arrive = (controller: ReadableStreamDefaultController) => {
    isRevoked = true;
    advanceClock(GRANT_TTL_MS + MAX_REQUEST_MS + 1);
    controller.enqueue(new TextEncoder().encode(text));
    controller.close();
  };
  // Nothing arrives before the body is read.
  const body = new ReadableStream({ pull: arrive }, { highWaterMark: 0 });
  const headers = { Authorization: `Bearer ${token}`, 'Content-Length': String(text.length) };
  const request = new Request('https://calls.example.com/v1/rpc', { method: 'POST', headers, body });
  const response = await createApp(authenticator, authenticator).fetch(request, env);
  expect(response.status).toBe(401);
  expect(await (await createClient())('GET', '/v1/commands/late')).toMatchObject({ body: { code: -32005 } });
});

it('includes the site in Location if the request names it', async () => {
  const request = await createClient();
  adapter = await site.adapter(statefulCalls('made'));
  const started = await request('POST', '/v1/calls?site=north', URIS, { 'Idempotency-Key': 'a' });
  expect(started.headers.get('Location')).toBe('/v1/commands/a?site=north');
});

it.each<[string, string, string, unknown, Record<string, string>, number, number | undefined]>([
  ['malformed JSON', 'POST', '/v1/calls', '{', {}, 400, -32700],
  ['an empty body', 'POST', '/v1/calls', '', {}, 400, -32700],
  ['an array as the body', 'POST', '/v1/calls', '[]', {}, 400, -32602],
  ['a deeply nested body', 'POST', '/v1/calls', '['.repeat(60_000), {}, 400, -32700],
  [
    'metadata that is nested too deeply',
    'POST',
    '/v1/calls',
    { ...URIS, metadata: deep(200) },
    {},
    400,
    -32600,
  ],
  ['a body that is too long', 'POST', '/v1/calls', 'x'.repeat(65_537), {}, 413, undefined],
  ['an unknown param', 'POST', '/v1/calls', { ...URIS, calee: 'x' }, {}, 400, -32602],
  ['a cmd_id in the body', 'POST', '/v1/calls', { ...URIS, cmd_id: 'x' }, {}, 400, -32602],
  ['a malformed SIP URI', 'POST', '/v1/calls', { ...URIS, callee: 'sip:a\r\nb@c' }, {}, 400, -32602],
  ['an empty Idempotency-Key', 'POST', '/v1/calls', URIS, { 'Idempotency-Key': '' }, 400, -32602],
  ['an Idempotency-Key with a space', 'POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a b' }, 400, -32602],
  [
    'an Idempotency-Key that is too long',
    'POST',
    '/v1/calls',
    URIS,
    { 'Idempotency-Key': 'a'.repeat(65) },
    400,
    -32602,
  ],
  ['no adapter', 'POST', '/v1/calls', URIS, {}, 503, -32001],
  ['a malformed Call-ID', 'DELETE', '/v1/calls/a%0d%0ab', undefined, {}, 400, -32602],
  ['a Call-ID that is no UTF-8', 'GET', '/v1/calls/%c3%28', undefined, {}, 404, -32005],
  ['an unknown call', 'GET', '/v1/calls/a%2Fb%3F', undefined, {}, 404, -32005],
  ['an unknown command', 'GET', '/v1/commands/none', undefined, {}, 404, -32005],
  ['waiting for an unknown command', 'GET', '/v1/commands/none?wait=60', undefined, {}, 404, -32005],
  ['waiting too long', 'GET', '/v1/commands/none?wait=61', undefined, {}, 400, -32602],
  ['waiting for NaN seconds', 'GET', '/v1/commands/none?wait=NaN', undefined, {}, 400, -32602],
  ['an unknown state', 'GET', '/v1/calls?state=dead', undefined, {}, 400, -32602],
  ['a limit above the maximum', 'GET', '/v1/calls?limit=501', undefined, {}, 400, -32602],
  ['an unknown filter', 'GET', '/v1/calls?stat=ended', undefined, {}, 400, -32602],
  ['the same filter twice', 'GET', '/v1/calls?limit=1&limit=2', undefined, {}, 400, -32602],
  ['a malformed since', 'GET', '/v1/events?since=x', undefined, {}, 400, -32602],
  ['a malformed Last-Event-ID', 'GET', '/v1/events', undefined, { 'Last-Event-ID': 'x' }, 400, undefined],
  ['another method', 'PUT', '/v1/calls', '{}', {}, 405, undefined],
  ['HEAD of a stream', 'HEAD', '/v1/events', undefined, {}, 405, undefined],
  ['an unknown path', 'GET', '/v1/call', undefined, {}, 404, undefined],
])('responds with a problem to %s', async (name, method, path, body, headers, status, code) => {
  const response = await (await createClient())(method, path, body, headers);
  expect(response.status, JSON.stringify(response.body)).toBe(status);
  if (method === 'HEAD') return;
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  expect(response.body, name).toMatchObject({ status, detail: expect.stringMatching(/\w{3}/) });
  expect(response.body.code).toBe(code);
  if (code !== undefined) expect(response.body.type).toMatch(/^\/docs\/errors#[a-z-]+$/);
  if (status === 503) expect(response.headers.get('Retry-After')).toBe('5');
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : { a: deep(levels - 1) };
}

it('runs JSON-RPC requests, batches and notifications, and rejects invalid ones', async () => {
  const request = await createClient({ scopes: ['CallStart'] });
  expect(await request('POST', '/v1/rpc', rpc('Echo'))).toMatchObject({
    status: 200,
    body: { id: 1, result: { event: 'Started' } },
  });
  expect(await request('POST', '/v1/rpc', { jsonrpc: '2.0', method: 'Echo' })).toMatchObject({
    status: 204,
    body: '',
  });
  const batch = [rpc('Echo', {}, 'a'), { jsonrpc: '2.0', method: 'Echo' }, 7, rpc('CallList', {}, 'b')];
  expect(await request('POST', '/v1/rpc', batch)).toMatchObject({
    status: 200,
    body: [{ id: 'a', result: {} }, { error: { code: -32600 } }, { id: 'b', error: { code: -32002 } }],
  });
  const statusAndCode = async (body: unknown) => {
    const { status, body: response, headers } = await request('POST', '/v1/rpc', body);
    expect(headers.get('Content-Type')).toBe('application/json');
    return [status, response.error?.code];
  };
  expect(await statusAndCode('{')).toEqual([400, -32700]);
  expect(await statusAndCode([])).toEqual([400, -32600]);
  // Libraries of JSON-RPC read errors from the body, and some of them only with this status.
  expect(await statusAndCode(rpc('Dance'))).toEqual([200, -32601]);
  expect(await statusAndCode(rpc('constructor'))).toEqual([200, -32601]);
  expect(await statusAndCode(rpc('CallStart', {}))).toEqual([200, -32602]);
  expect(await statusAndCode(rpc('CallStart', URIS))).toEqual([200, -32001]);
  expect(await statusAndCode(rpc('CallList'))).toEqual([200, -32002]);
  expect(await statusAndCode(rpc('Echo', { deep: deep(5_000) }))).toEqual([200, -32600]);
});

it('rejects methods that require a socket', async () => {
  const request = await createClient();
  for (const method of ['CallWatch', 'CallUnwatch', 'Authorize']) {
    const { status, body } = await request('POST', '/v1/rpc', rpc(method, { token: 'x' }));
    expect([status, body.error?.code]).toEqual([200, -32601]);
    expect(body.error?.data).toContain('GET /v1/events');
  }
});

it('responds with 403 without the scope, and needs none to read own commands', async () => {
  adapter = await site.adapter(statefulCalls('made'));
  const request = await createClient({ scopes: ['CallHold'] });
  for (const [method, path, body] of [
    ['POST', '/v1/calls', URIS],
    ['DELETE', '/v1/calls/x', undefined],
    ['POST', '/v1/calls/x/unhold', undefined],
    ['POST', '/v1/calls/x/transfer', { leg: 'caller', destination: URIS.callee }],
    ['POST', '/v1/calls/x/attended-transfer', { legA: 'caller', callidB: 'y', legB: 'callee' }],
    ['GET', '/v1/calls', undefined],
    ['GET', '/v1/calls/x', undefined],
    ['GET', '/v1/events', undefined],
  ] as const) {
    const { status, body: problem } = await request(method, path, body);
    expect([status, problem.code, problem.type], path).toEqual([403, -32002, '/docs/errors#not-allowed']);
    expect(problem.detail).toContain('scope');
  }
  const { headers } = await request('POST', '/v1/calls/x/hold');
  const { body } = await request('GET', `${headers.get('Location')}?wait=60`);
  expect(body.events?.[0]).toMatchObject({ event: 'Error', error: { code: -32005 } });
});

it('treats commands and calls of other subjects like unknown ones', async () => {
  adapter = await site.adapter(statefulCalls('hers', 'his'));
  const alice = await createClient();
  const started = await alice('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'hers' });
  await alice('GET', `${started.headers.get('Location')}?wait=60`);
  const eve = await createClient({ subject: 'sub:eve', caller: 'sip:eve@127.0.0.1' });
  for (const [foreign, unknown] of [
    ['/v1/commands/hers', '/v1/commands/none'],
    ['/v1/commands/hers?wait=60', '/v1/commands/none?wait=60'],
    ['/v1/calls/hers', '/v1/calls/none'],
  ] as const) {
    const [foreignResponse, unknownResponse] = [await eve('GET', foreign), await eve('GET', unknown)];
    expect([foreignResponse.status, foreignResponse.body]).toEqual([404, unknownResponse.body]);
  }
  expect((await eve('GET', '/v1/calls')).body.calls).toEqual([]);
  // OpenSIPS itself answers for an unknown call; for hers, the response must be the same.
  const events = await Promise.all(
    ['hers', 'none'].map(async (callid) => {
      const { headers } = await eve('DELETE', `/v1/calls/${callid}`);
      const { body } = await eve('GET', `${headers.get('Location')}?wait=60`);
      return body.events?.map(({ event, data }) => [event, data]);
    }),
  );
  expect(events[0]).toEqual(events[1]);
  expect((await alice('GET', '/v1/calls/hers')).body.call?.state).toBe('answered');
  // Another subject may use the same cmd_id.
  const ownUris = { caller: 'sip:eve@127.0.0.1', callee: URIS.callee };
  const sameId = await eve('POST', '/v1/calls', ownUris, { 'Idempotency-Key': 'hers' });
  expect(sameId).toMatchObject({ status: 202, body: { cmd_id: 'hers' } });
  expect(sameId.body.replayed).toBeUndefined();
});

it('limits messages per subject, and says when to try again', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  limits = { messages_per_second: 2 };
  const alice = await createClient();
  const bob = await createClient({ subject: 'sub:bob' });
  for (let i = 0; i < 4; i++) expect((await alice('POST', '/v1/rpc', rpc('Echo'))).status).toBe(200);
  for (const [method, path, body] of [
    ['POST', '/v1/rpc', rpc('Echo')],
    ['GET', '/v1/calls', undefined],
    ['GET', '/v1/commands/x', undefined],
    ['GET', '/v1/commands/x?wait=60', undefined],
    ['GET', '/v1/events', undefined],
    ['DELETE', '/v1/calls/x', undefined],
  ] as const) {
    const { status, headers, body: response } = await alice(method, path, body);
    expect([status, headers.get('Retry-After')], path).toEqual(path === '/v1/rpc' ? [200, null] : [429, '1']);
    const problem = response.error
      ? { code: response.error.code, ...(response.error.data as object) }
      : response;
    expect(problem).toMatchObject({ code: -32003, limit: 'messages_per_second', retry_after: 1 });
  }
  expect((await bob('POST', '/v1/rpc', rpc('Echo'))).status).toBe(200);
  // A socket of the same subject is no way around the limit.
  const client = await site.client({ subject: 'sub:alice', policy: policy(limits) });
  expect(await client.request('Echo')).toMatchObject({ error: { code: -32003 } });
  vi.setSystemTime(Date.now() + 500);
  expect((await alice('POST', '/v1/rpc', rpc('Echo'))).status).toBe(200);
  expect(await client.request('Echo')).toMatchObject({ error: { code: -32003 } });
});

it('limits commands in flight', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  adapter = await site.adapter(() => ({}));
  limits = { commands_in_flight: 1 };
  const request = await createClient();
  expect((await request('POST', '/v1/calls', URIS)).status).toBe(202);
  const second = await request('POST', '/v1/calls', URIS);
  expect([second.status, second.body.limit]).toEqual([429, 'commands_in_flight']);
  expect(second.headers.get('Retry-After')).toBe(String(second.body.retry_after));
});

it('blocks a subject that floods over HTTP and over sockets for a while', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  limits = { messages_per_second: 1 };
  const request = await createClient();
  const batch = Array.from({ length: 100 }, () => rpc('Echo'));
  for (let i = 0; i < 3; i++) await request('POST', '/v1/rpc', batch);
  const rejected = await request('GET', '/v1/calls');
  expect([rejected.status, rejected.headers.get('Retry-After')]).toEqual([429, '10']);
  const principal = { role: 'client', subject: 'sub:alice', session: 's', key: 'k1', scopes: [] } as const;
  expect((await site.requestSocket({ ...principal, policy: policy(limits) })).status).toBe(429);
  vi.setSystemTime(Date.now() + 200_000);
  expect((await (await createClient())('GET', '/v1/calls')).status).toBe(200);
});

it('rejects a revoked key although its grant is cached', async () => {
  const request = await createClient();
  expect((await request('POST', '/v1/rpc', rpc('Echo'))).status).toBe(200);
  await site.object.revokeKey('k1');
  for (const path of ['/v1/calls', '/v1/events', '/v1/commands/x', '/v1/commands/x?wait=60']) {
    const { status, headers } = await request('GET', path);
    expect([status, headers.get('WWW-Authenticate')], path).toEqual([401, 'Bearer']);
  }
});

it('responds to preflights of all origins, and lets only pages of allowed origins read responses', async () => {
  const preflight = await createDeployedWorker()(
    new Request('https://calls.example.com/v1/calls/x', {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'DELETE' },
    }),
  );
  expect([preflight.status, preflight.headers.get('Access-Control-Allow-Methods')]).toEqual([
    204,
    'GET, DELETE',
  ]);
  expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('Idempotency-Key');

  adapter = await site.adapter(statefulCalls('made'));
  const request = await createClient();
  const startFrom = (origin: string) => request('POST', '/v1/calls', URIS, { Origin: origin });
  const allowed = await startFrom('https://app.example.com');
  expect([allowed.status, allowed.headers.get('Access-Control-Allow-Origin')]).toEqual([
    202,
    'https://app.example.com',
  ]);
  expect(allowed.headers.get('Access-Control-Expose-Headers')).toContain('Location');
  expect(allowed.headers.get('Vary')).toContain('Origin');
  const me = await request('GET', '/v1/me', undefined, { Origin: 'https://app.example.com' });
  expect([me.status, me.headers.get('Access-Control-Allow-Origin')]).toEqual([
    200,
    'https://app.example.com',
  ]);
  const starts = () => adapter?.miRequests.filter(({ method }) => method === 't_uac_dlg').length ?? 0;
  const startCount = starts();
  for (const origin of ['https://evil.example', 'null', 'https://app.example.com.evil.example']) {
    const rejected = await startFrom(origin);
    expect([rejected.status, rejected.headers.get('Access-Control-Allow-Origin')]).toEqual([403, null]);
  }
  expect(starts(), 'rejected requests run nothing').toBe(startCount);
});
