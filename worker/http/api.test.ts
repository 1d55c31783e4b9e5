/** The HTTP API of a deployment: who may ask what of it, how much, and what is answered to what makes no sense. */
import { evictDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Limits } from '../../shared/policy.ts';
import type { ScriptedAdapter } from '../testing/adapter.ts';
import { caller as callerOf, deployed, type Token } from '../testing/http.ts';
import { callsMade } from '../testing/scenarios.ts';
import { policy, Site } from '../testing/site.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

let site: Site;
let adapter: ScriptedAdapter | undefined;
let limits: Partial<Limits>;
beforeEach(() => {
  site = new Site();
  limits = {};
});
afterEach(() => {
  adapter?.close();
  adapter = undefined;
  vi.useRealTimers();
});

const caller = (token: Token = {}) => callerOf(site, token, policy(limits));
const rpc = (method: string, params: object = {}, id: unknown = 1) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
});

it('a call is started, seen, acted on and ended', async () => {
  adapter = await site.adapter(callsMade('made'));
  const ask = await caller();
  const started = await ask('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'mine' });
  expect(started).toMatchObject({ status: 202, body: { cmd_id: 'mine', event: 'Started' } });
  expect(started.headers.get('Location')).toBe('/v1/commands/mine');
  const ended = await ask('GET', '/v1/commands/mine?wait=60');
  expect(ended.body).toMatchObject({ cmd_id: 'mine', method: 'CallStart', state: 'ended' });
  expect(ended.body.events?.at(-1)).toMatchObject({ event: 'Ended' });
  expect((await ask('GET', '/v1/calls/made')).body.call).toMatchObject({ state: 'answered', ...URIS });
  expect((await ask('GET', '/v1/calls?state=answered&limit=1')).body.calls).toHaveLength(1);
  for (const [verb, path, body] of [
    ['POST', '/v1/calls/made/hold', undefined],
    ['POST', '/v1/calls/made/unhold', {}],
    ['DELETE', '/v1/calls/made', undefined],
  ] as const) {
    const { status, headers } = await ask(verb, path, body);
    expect(status, path).toBe(202);
    const { body: command } = await ask('GET', `${headers.get('Location')}?wait=60`);
    expect(command, path).toMatchObject({ state: 'ended' });
    expect(JSON.stringify(command), path).not.toContain('Error');
  }
  expect((await ask('GET', '/v1/calls/made')).body.call).toMatchObject({ state: 'ended' });
});

it('what is answered over HTTP is on disk: an object made anew knows it', async () => {
  const ask = await caller();
  await ask('POST', '/v1/rpc', rpc('Echo', { cmd_id: 'kept' }));
  await evictDurableObject(site.object);
  expect((await ask('GET', '/v1/commands/kept')).body).toMatchObject({
    state: 'ended',
    events: [{ event: 'Reply' }, { event: 'Ended' }],
  });
});

it('where a command can be read names the site, if the request did', async () => {
  const ask = await caller();
  adapter = await site.adapter(callsMade('made'));
  const started = await ask('POST', '/v1/calls?site=north', URIS, { 'Idempotency-Key': 'a' });
  expect(started.headers.get('Location')).toBe('/v1/commands/a?site=north');
});

it.each<[string, string, string, unknown, Record<string, string>, number, number | undefined]>([
  ['no JSON', 'POST', '/v1/calls', '{', {}, 400, -32700],
  ['an empty body', 'POST', '/v1/calls', '', {}, 400, -32700],
  ['no object', 'POST', '/v1/calls', '[]', {}, 400, -32602],
  ['a body nested without end', 'POST', '/v1/calls', '['.repeat(60_000), {}, 400, -32700],
  ['metadata nested too deep', 'POST', '/v1/calls', { ...URIS, metadata: deep(200) }, {}, 400, -32600],
  ['a body that is too long', 'POST', '/v1/calls', 'x'.repeat(65_537), {}, 413, undefined],
  ['a param that is none', 'POST', '/v1/calls', { ...URIS, calee: 'x' }, {}, 400, -32602],
  ['a cmd_id beside the header', 'POST', '/v1/calls', { ...URIS, cmd_id: 'x' }, {}, 400, -32602],
  ['an address that is none', 'POST', '/v1/calls', { ...URIS, callee: 'sip:a\r\nb@c' }, {}, 400, -32602],
  ['a key that is empty', 'POST', '/v1/calls', URIS, { 'Idempotency-Key': '' }, 400, -32602],
  ['a key of other letters', 'POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a b' }, 400, -32602],
  ['a key that is too long', 'POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a'.repeat(65) }, 400, -32602],
  ['no adapter', 'POST', '/v1/calls', URIS, {}, 503, -32001],
  ['a Call-ID that is none', 'DELETE', '/v1/calls/a%0d%0ab', undefined, {}, 400, -32602],
  ['a Call-ID that no UTF-8 is encoded in', 'GET', '/v1/calls/%c3%28', undefined, {}, 404, -32005],
  ['a call that is not', 'GET', '/v1/calls/a%2Fb%3F', undefined, {}, 404, -32005],
  ['a command that is not', 'GET', '/v1/commands/none', undefined, {}, 404, -32005],
  ['waiting for one that is not', 'GET', '/v1/commands/none?wait=60', undefined, {}, 404, -32005],
  ['waiting too long', 'GET', '/v1/commands/none?wait=61', undefined, {}, 400, -32602],
  ['waiting for no number', 'GET', '/v1/commands/none?wait=NaN', undefined, {}, 400, -32602],
  ['a state that is none', 'GET', '/v1/calls?state=dead', undefined, {}, 400, -32602],
  ['a limit beyond the most', 'GET', '/v1/calls?limit=501', undefined, {}, 400, -32602],
  ['a filter that is none', 'GET', '/v1/calls?stat=ended', undefined, {}, 400, -32602],
  ['the same filter twice', 'GET', '/v1/calls?limit=1&limit=2', undefined, {}, 400, -32602],
  ['events since no number', 'GET', '/v1/events?since=x', undefined, {}, 400, -32602],
  ['events since no id', 'GET', '/v1/events', undefined, { 'Last-Event-ID': 'x' }, 400, undefined],
  ['another verb', 'PUT', '/v1/calls', '{}', {}, 405, undefined],
  ['the head of a stream', 'HEAD', '/v1/events', undefined, {}, 405, undefined],
  ['nothing of that name', 'GET', '/v1/call', undefined, {}, 404, undefined],
])('a problem says what and by which code: %s', async (what, verb, path, body, headers, status, code) => {
  const answer = await (await caller())(verb, path, body, headers);
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  if (verb === 'HEAD') return;
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json');
  expect(answer.body, what).toMatchObject({ status, detail: expect.stringMatching(/\w{3}/) });
  expect(answer.body.code).toBe(code);
  if (code !== undefined) expect(answer.body.type).toMatch(/^\/docs\/errors#[a-z-]+$/);
  if (status === 503) expect(answer.headers.get('Retry-After')).toBe('5');
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : { a: deep(levels - 1) };
}

it('JSON-RPC as it is: one request, a batch, notifications, and what is none', async () => {
  const ask = await caller({ scopes: ['CallStart'] });
  expect(await ask('POST', '/v1/rpc', rpc('Echo'))).toMatchObject({
    status: 200,
    body: { id: 1, result: { event: 'Started' } },
  });
  expect(await ask('POST', '/v1/rpc', { jsonrpc: '2.0', method: 'Echo' })).toMatchObject({
    status: 204,
    body: '',
  });
  const batch = [rpc('Echo', {}, 'a'), { jsonrpc: '2.0', method: 'Echo' }, 7, rpc('CallList', {}, 'b')];
  expect(await ask('POST', '/v1/rpc', batch)).toMatchObject({
    status: 200,
    body: [{ id: 'a', result: {} }, { error: { code: -32600 } }, { id: 'b', error: { code: -32002 } }],
  });
  const single = async (body: unknown) => {
    const { status, body: answer, headers } = await ask('POST', '/v1/rpc', body);
    expect(headers.get('Content-Type')).toBe('application/json');
    return [status, answer.error?.code];
  };
  expect(await single('{')).toEqual([400, -32700]);
  expect(await single([])).toEqual([400, -32600]);
  expect(await single(rpc('Dance'))).toEqual([404, -32601]);
  expect(await single(rpc('constructor'))).toEqual([404, -32601]);
  expect(await single(rpc('CallStart', {}))).toEqual([400, -32602]);
  expect(await single(rpc('CallStart', URIS))).toEqual([503, -32001]);
  expect(await single(rpc('CallList'))).toEqual([403, -32002]);
  expect(await single(rpc('Echo', { deep: deep(5_000) }))).toEqual([400, -32600]);
});

it('what would stay with a socket is refused without one', async () => {
  const ask = await caller();
  for (const method of ['CallWatch', 'CallUnwatch', 'Authorize']) {
    const { status, body } = await ask('POST', '/v1/rpc', rpc(method, { token: 'x' }));
    expect([status, body.error?.code]).toEqual([404, -32601]);
    expect(body.error?.data).toContain('GET /v1/events');
  }
});

it('scopes: what is not named is 403, and the own commands need none to be read', async () => {
  adapter = await site.adapter(callsMade('made'));
  const ask = await caller({ scopes: ['CallHold'] });
  for (const [verb, path, body] of [
    ['POST', '/v1/calls', URIS],
    ['DELETE', '/v1/calls/x', undefined],
    ['POST', '/v1/calls/x/unhold', undefined],
    ['POST', '/v1/calls/x/transfer', { leg: 'caller', destination: URIS.callee }],
    ['POST', '/v1/calls/x/attended-transfer', { legA: 'caller', callidB: 'y', legB: 'callee' }],
    ['GET', '/v1/calls', undefined],
    ['GET', '/v1/calls/x', undefined],
    ['GET', '/v1/events', undefined],
  ] as const) {
    const { status, body: problem } = await ask(verb, path, body);
    expect([status, problem.code, problem.type], path).toEqual([403, -32002, '/docs/errors#not-allowed']);
    expect(problem.detail).toContain('scope');
  }
  const { headers } = await ask('POST', '/v1/calls/x/hold');
  const { body } = await ask('GET', `${headers.get('Location')}?wait=60`);
  expect(body.events?.[0]).toMatchObject({ event: 'Error', error: { code: -32011 } });
});

it('what is another’s is as what is not', async () => {
  adapter = await site.adapter(callsMade('hers', 'his'));
  const alice = await caller();
  const started = await alice('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'hers' });
  await alice('GET', `${started.headers.get('Location')}?wait=60`);
  const eve = await caller({ subject: 'sub:eve', caller: 'sip:eve@127.0.0.1' });
  for (const [of, none] of [
    ['/v1/commands/hers', '/v1/commands/none'],
    ['/v1/commands/hers?wait=60', '/v1/commands/none?wait=60'],
    ['/v1/calls/hers', '/v1/calls/none'],
  ] as const) {
    const [one, other] = [await eve('GET', of), await eve('GET', none)];
    expect([one.status, one.body]).toEqual([404, other.body]);
  }
  expect((await eve('GET', '/v1/calls')).body.calls).toEqual([]);
  // OpenSIPS itself answers, for hers as for one that is not.
  const ends = await Promise.all(
    ['hers', 'none'].map(async (callid) => {
      const { headers } = await eve('DELETE', `/v1/calls/${callid}`);
      const { body } = await eve('GET', `${headers.get('Location')}?wait=60`);
      return body.events?.map(({ event, data }) => [event, data]);
    }),
  );
  expect(ends[0]).toEqual(ends[1]);
  expect((await alice('GET', '/v1/calls/hers')).body.call?.state).toBe('answered');
  // The name is free for another subject.
  const own = { caller: 'sip:eve@127.0.0.1', callee: URIS.callee };
  const same = await eve('POST', '/v1/calls', own, { 'Idempotency-Key': 'hers' });
  expect(same).toMatchObject({ status: 202, body: { cmd_id: 'hers' } });
  expect(same.body.replayed).toBeUndefined();
});

it('limits: what comes over HTTP is counted for its subject, and told when to try again', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  limits = { messages_per_second: 2 };
  const alice = await caller();
  const [bob] = [await caller({ subject: 'sub:bob' })];
  for (let i = 0; i < 4; i++) expect((await alice('POST', '/v1/rpc', rpc('Echo'))).status).toBe(200);
  for (const [verb, path, body] of [
    ['POST', '/v1/rpc', rpc('Echo')],
    ['GET', '/v1/calls', undefined],
    ['GET', '/v1/commands/x', undefined],
    ['GET', '/v1/commands/x?wait=60', undefined],
    ['GET', '/v1/events', undefined],
    ['DELETE', '/v1/calls/x', undefined],
  ] as const) {
    const { status, headers, body: answer } = await alice(verb, path, body);
    expect([status, headers.get('Retry-After')], path).toEqual([429, '1']);
    const problem = answer.error ? { code: answer.error.code, ...(answer.error.data as object) } : answer;
    expect(problem).toMatchObject({ code: -32003, limit: 'messages_per_second', retry_after: 1 });
  }
  expect((await bob('POST', '/v1/rpc', rpc('Echo'))).status).toBe(200);
  // A socket of the same subject has its own, as each session has.
  const client = await site.client({ subject: 'sub:alice', policy: policy(limits) });
  expect(await client.ask('Echo')).toMatchObject({ result: {} });
  vi.setSystemTime(Date.now() + 500);
  expect((await alice('POST', '/v1/rpc', rpc('Echo'))).status).toBe(200);
});

it('limits: commands under way, and calls a second', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  adapter = await site.adapter(() => ({}));
  limits = { commands_in_flight: 1 };
  const ask = await caller();
  expect((await ask('POST', '/v1/calls', URIS)).status).toBe(202);
  const second = await ask('POST', '/v1/calls', URIS);
  expect([second.status, second.body.limit]).toEqual([429, 'commands_in_flight']);
  expect(second.headers.get('Retry-After')).toBe(String(second.body.retry_after));
});

it('who floods is kept out for a while: over HTTP and over a socket', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  limits = { messages_per_second: 1 };
  const ask = await caller();
  const batch = Array.from({ length: 100 }, () => rpc('Echo'));
  for (let i = 0; i < 3; i++) await ask('POST', '/v1/rpc', batch);
  const refused = await ask('GET', '/v1/calls');
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '10']);
  const who = { role: 'client', subject: 'sub:alice', session: 's', key: 'k1', scopes: [] } as const;
  expect((await site.knock({ ...who, policy: policy(limits) })).status).toBe(429);
  vi.setSystemTime(Date.now() + 200_000);
  expect((await (await caller())('GET', '/v1/calls')).status).toBe(200);
});

it('a revoked key opens nothing, whatever the door remembers of it', async () => {
  const ask = await caller();
  expect((await ask('POST', '/v1/rpc', rpc('Echo'))).status).toBe(200);
  await site.object.revoke('k1');
  for (const path of ['/v1/calls', '/v1/events', '/v1/commands/x', '/v1/commands/x?wait=60']) {
    const { status, headers } = await ask('GET', path);
    expect([status, headers.get('WWW-Authenticate')], path).toEqual([401, 'Bearer']);
  }
});

it('pages: a preflight is answered to all, an answer is shown to those of the tenant only', async () => {
  const preflight = await deployed()(
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

  adapter = await site.adapter(callsMade('made'));
  const ask = await caller();
  const from = (origin: string) => ask('POST', '/v1/calls', URIS, { Origin: origin });
  const ours = await from('https://app.example.com');
  expect([ours.status, ours.headers.get('Access-Control-Allow-Origin')]).toEqual([
    202,
    'https://app.example.com',
  ]);
  expect(ours.headers.get('Access-Control-Expose-Headers')).toContain('Location');
  expect(ours.headers.get('Vary')).toContain('Origin');
  const me = await ask('GET', '/v1/me', undefined, { Origin: 'https://app.example.com' });
  expect([me.status, me.headers.get('Access-Control-Allow-Origin')]).toEqual([
    200,
    'https://app.example.com',
  ]);
  const asked = adapter.asked.length;
  for (const origin of ['https://evil.example', 'null', 'https://app.example.com.evil.example']) {
    const theirs = await from(origin);
    expect([theirs.status, theirs.headers.get('Access-Control-Allow-Origin')]).toEqual([403, null]);
  }
  expect(adapter.asked.length, 'nothing was run for them').toBe(asked);
});
