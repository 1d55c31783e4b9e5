/** Webhooks in the platform: what happens at a site reaches its endpoints, whatever becomes of receivers and objects. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  type DeliveryView,
  type EndpointView,
  type EndpointWithSecret,
  WebhookHeaders,
  WebhookPayload,
} from '../../shared/webhooks.ts';
import { ROUND_MS } from '../calls/rounds.ts';
import { load } from '../load.ts';
import { Segments } from '../store/segments.ts';
import { Switchboard } from '../switchboard.ts';
import type { Beat } from '../testing/adapter.ts';
import { callsMade, dialog, script } from '../testing/scenarios.ts';
import { Site } from '../testing/site.ts';
import { Results } from './results.ts';
import { RETRIES_S } from './schedule.ts';
import { Webhooks } from './webhooks.ts';

/** A request as the receiver gets it. */
interface Got {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly payload: WebhookPayload;
  readonly redirect: string | undefined;
}

let got: Got[] = [];
/** The tenant under test: what comes late of the one before is taken, and not looked at. */
let host = '';
let answers: (got: Got, nth: number) => Response | Promise<Response> = () =>
  new Response(null, { status: 204 });

beforeEach(() => {
  got = [];
  answers = () => new Response(null, { status: 204 });
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    const request = new Request(url, init);
    const body = await request.text();
    if (!new URL(request.url).hostname.endsWith(host)) return new Response();
    const one = {
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body,
      payload: WebhookPayload.parse(JSON.parse(body)),
      redirect: init?.redirect,
    };
    got.push(one);
    return answers(one, got.length);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const authorised = { Authorization: `Bearer ${env.ADMIN_SECRET}` };

async function admin<T>(
  method: string,
  path: string,
  body?: object,
): Promise<T & { readonly status: number }> {
  const response = await exports.default.fetch(
    new Request(`http://localhost/v1/admin${path}`, {
      method,
      headers: authorised,
      ...(body ? { body: JSON.stringify(body) } : {}),
    }),
  );
  return { ...((await response.json()) as T), status: response.status };
}

let places = 0;

/** A site of a tenant of its own, and its webhooks. */
async function place() {
  const tenant = `hooks-${++places}`;
  host = `${tenant}.test`;
  await admin('POST', '/tenants', { id: tenant });
  await admin('POST', `/tenants/${tenant}/sites`, { id: 'main' });
  const path = `/tenants/${tenant}/sites/main/webhooks`;
  return {
    tenant,
    path,
    site: new Site(tenant),
    /** A stub of one that was killed stays broken, so each time a new one. */
    get object() {
      return env.WEBHOOKS.get(env.WEBHOOKS.idFromName(`${tenant}/main`));
    },
    create: (body: object = {}) =>
      admin<EndpointWithSecret>('POST', path, { url: `https://${host}/hooks`, ...body }),
    show: (id: string) => admin<EndpointView>('GET', `${path}/${id}`),
    log: async (id: string, query = '') =>
      (await admin<{ deliveries: DeliveryView[] }>('GET', `${path}/${id}/deliveries${query}`)).deliveries,
  };
}

const types = () => got.map(({ payload }) => payload.type);
const ids = () => got.map(({ headers }) => headers['webhook-id']);
const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

/** Does the Switchboard tell of what happens? */
function isTold(site: Site): Promise<boolean> {
  return runInDurableObject(
    site.object,
    (_, { storage }) => storage.sql.exec('SELECT 1 FROM hand_over').toArray().length > 0,
  );
}

/** Moves the clock, and runs the alarm that is due then. */
async function later(ms: number, object: DurableObjectStub): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
  await runDurableObjectAlarm(object);
}

it('an endpoint is told of commands and calls, in order, signed, and each once', async () => {
  const { site, create } = await place();
  const { secret, id, public_keys: keys, status } = await create();
  expect({ status, keys: keys.length, secret }).toMatchObject({ status: 201, keys: 1, secret: /^whsec_/ });
  const adapter = await site.adapter(callsMade('the-call'));
  const client = await site.client();
  await client.ask('CallStart', { ...uris, metadata: { ticket: 7 } });
  const told = await client.toEnd();
  await vi.waitFor(() => expect(types()).toContain('command.call_start.ended'));
  const ofCommand = got.flatMap(({ payload }) => (payload.type.startsWith('command.') ? [payload.data] : []));
  expect(ofCommand.map((data) => ('event' in data ? data.event : ''))).toEqual(
    told.map(({ event }) => event),
  );
  expect(ofCommand.map((data) => ('seq' in data ? data.seq : 0))).toEqual(told.map(({ seq }) => seq));
  for (const data of ofCommand) expect(data).toMatchObject({ method: 'CallStart', metadata: { ticket: 7 } });
  expect(types()).toContain('call.answered');
  const ofCalls = got.flatMap(({ payload: { data } }) => ('call' in data ? [data] : []));
  for (const changes of Map.groupBy(ofCalls, ({ call }) => call.callid).values())
    expect(changes.map(({ seq }) => seq)).toEqual(changes.map(({ seq }) => seq).toSorted((a, b) => a - b));
  expect(new Set(ids()).size).toBe(got.length);
  for (const { headers, body, url, redirect } of got) {
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    WebhookHeaders.parse(headers);
    expect({ url, redirect }).toEqual({ url: `https://${host}/hooks`, redirect: 'manual' });
  }
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  adapter.close();
});

it('a filter of types and one of addresses both hold', async () => {
  const { site, create } = await place();
  await create({ events: ['command.*.started', 'command.*.ended'], addresses: ['alice@*'] });
  const adapter = await site.adapter(callsMade('one', 'two'));
  const client = await site.client();
  await client.ask('CallStart', { ...uris, caller: 'sip:carol@127.0.0.1', cmd_id: 'carol' });
  await client.toEnd();
  await client.ask('CallStart', { ...uris, cmd_id: 'alice' });
  await client.toEnd();
  await vi.waitFor(() => expect(got.length).toBeGreaterThan(0));
  expect(got.map(({ payload }) => payload.data)).toMatchObject([{ cmd_id: 'alice', event: 'Ended' }]);
  adapter.close();
});

it('what fails is tried again with the same id and a fresh timestamp; what comes after it goes past', async () => {
  const { site, create, object, log, show } = await place();
  const { id } = await create({ events: ['command.*.reply'] });
  const client = await site.client();
  const failing: string[] = [];
  answers = (one) => {
    const isFirst = failing.length === 0 || failing[0] === one.headers['webhook-id'];
    if (isFirst) failing.push(one.headers['webhook-id'] ?? '');
    return new Response(null, { status: isFirst && failing.length < 3 ? 500 : 200 });
  };
  await client.ask('Echo', { text: 'first' });
  await client.toEnd();
  await client.ask('Echo', { text: 'second' });
  await client.toEnd();
  await vi.waitFor(() => expect(got).toHaveLength(2));
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 1, failed: 0 }));
  await later(6_001, object);
  await vi.waitFor(() => expect(got).toHaveLength(3));
  await vi.waitFor(async () => expect((await log(id)).at(-1)?.attempts).toHaveLength(2));
  await later(360_001, object);
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 0, failed: 0 }));
  const [first, second, ...again] = ids();
  expect(second).not.toBe(first);
  expect(again).toEqual([first, first]);
  const stamps = got
    .filter(({ headers }) => headers['webhook-id'] === first)
    .map(({ headers }) => headers['webhook-timestamp']);
  expect(new Set(stamps).size).toBe(3);
  expect((await log(id)).at(-1)).toMatchObject({
    state: 'delivered',
    attempts: [{ status: 500, error: 'only 2xx says that it was taken' }, { status: 500 }, { status: 200 }],
  });
});

it('after the last try it has failed, is shown, and can be sent again by hand', async () => {
  const { create, object, log, show, path } = await place();
  const { id } = await create();
  answers = () => new Response(null, { status: 500 });
  await admin('POST', `${path}/${id}/test`);
  for (let tries = 1; tries < 10; tries++) {
    await vi.waitFor(async () => expect((await log(id))[0]?.attempts).toHaveLength(tries));
    await later((RETRIES_S[tries] ?? 0) * 1_200 + 1, object);
  }
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ failed: 1, waiting: 0 }));
  const [failed] = await log(id, '?state=failed');
  expect(failed).toMatchObject({ state: 'failed', next_try: null });
  expect(failed?.attempts).toHaveLength(10);
  answers = () => new Response();
  const replayed = await admin('POST', `${path}/${id}/deliveries/${failed?.n}/replay`);
  expect(replayed).toMatchObject({ status: 202, state: 'waiting' });
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ failed: 0, waiting: 0 }));
  expect(new Set(ids())).toEqual(new Set([failed?.webhook_id]));
});

it('410 disables the endpoint: nothing more is sent, and nothing more is kept for it, until it is enabled', async () => {
  const { site, create, log, show, path } = await place();
  const { id } = await create({ events: ['command.*.reply'] });
  answers = () => new Response(null, { status: 410 });
  const client = await site.client();
  const echo = async () => {
    await client.ask('Echo', {});
    await client.toEnd();
  };
  await echo();
  await vi.waitFor(async () =>
    expect(await show(id)).toMatchObject({ enabled: false, disabled_because: 'it answered 410 Gone' }),
  );
  expect(await admin('POST', `${path}/${id}/test`)).toMatchObject({ status: 409 });
  await echo();
  await vi.waitFor(async () => expect(await isTold(site)).toBe(false));
  answers = () => new Response();
  expect(await admin('PATCH', `${path}/${id}`, { enabled: true })).toMatchObject({ disabled_because: null });
  await echo();
  await vi.waitFor(async () => expect((await log(id))[0]?.state).toBe('delivered'));
  expect(got.filter(({ payload }) => payload.type === 'command.echo.reply')).toHaveLength(2);
});

it('Retry-After is obeyed by the whole endpoint, and holds up no other', async () => {
  const { create, object, path, show } = await place();
  const { id } = await create();
  const other = await create({ url: `https://other.${host}/` });
  answers = () => new Response(null, { status: 429, headers: { 'Retry-After': '120' } });
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(async () => expect((await show(id)).quiet_until).not.toBeNull());
  answers = () => new Response();
  await admin('POST', `${path}/${id}/test`);
  await admin('POST', `${path}/${other.id}/test`);
  await vi.waitFor(() => expect(got.map(({ url }) => url)).toContain(`https://other.${host}/`));
  await later(60_000, object);
  expect(got).toHaveLength(2);
  await later(61_000, object);
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 0, quiet_until: null }));
  expect(got).toHaveLength(4);
});

it('a redirect is not followed, and the log says what to do', async () => {
  const { create, path, log } = await place();
  const { id } = await create();
  answers = () => new Response(null, { status: 307, headers: { Location: 'http://10.0.0.1/' } });
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(async () =>
    expect((await log(id))[0]?.attempts).toMatchObject([
      { status: 307, error: 'it redirects, which is not followed: give the address that it redirects to' },
    ]),
  );
  expect(got).toHaveLength(1);
});

it('one that hangs holds up no other endpoint, and no call', async () => {
  const { site, create, show, log: deliveriesOf } = await place();
  const hanging = await create({ url: `https://hanging.${host}/` });
  const well = await create({ url: `https://well.${host}/` });
  const { promise, resolve } = Promise.withResolvers<Response>();
  answers = ({ url }) => (url.includes('hanging') ? promise : new Response());
  const client = await site.client();
  for (let n = 0; n < 3; n++) {
    await client.ask('Echo', {});
    await client.toEnd();
  }
  await vi.waitFor(async () => {
    const log = await deliveriesOf(well.id);
    expect(log.filter(({ type }) => type === 'command.echo.ended')).toHaveLength(3);
    expect(log.every(({ state }) => state === 'delivered')).toBe(true);
  });
  // Of each command one, until it is known that it hangs.
  expect(got.filter(({ url }) => url.includes('hanging'))).toHaveLength(3);
  expect((await show(hanging.id)).waiting).toBeGreaterThan(3);
  resolve(new Response());
  await vi.waitFor(async () => expect(await show(hanging.id)).toMatchObject({ waiting: 0 }));
});

it('an endpoint without an end to its answer is not read', async () => {
  const { create, path, log } = await place();
  const { id } = await create();
  let cancelled = false;
  answers = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1_024)),
        cancel: () => {
          cancelled = true;
        },
      }),
    );
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(async () => expect((await log(id))[0]?.state).toBe('delivered'));
  expect(cancelled).toBe(true);
});

it.each([
  [
    'a short answer is read to its end, so that its connection can be used again',
    { 'Content-Length': '4' },
    false,
  ],
  ['one that is long is not', { 'Content-Length': '4097' }, true],
  ['one that is packed is not', { 'Content-Length': '4', 'Content-Encoding': 'gzip' }, true],
] as const)('%s', async (_, headers, isCancelled) => {
  const { create, path, log } = await place();
  const { id } = await create();
  const closed: string[] = [];
  answers = () => {
    let pulled = 0;
    const pull = (controller: ReadableStreamDefaultController) => {
      if (pulled++ === 0) return controller.enqueue(new TextEncoder().encode('done'));
      closed.push('read');
      controller.close();
    };
    // No byte is made before it is asked for.
    const body = new ReadableStream(
      { pull, cancel: () => void closed.push('cancelled') },
      { highWaterMark: 0 },
    );
    const response = new Response(null, { headers });
    return Object.defineProperty(response, 'body', { value: body });
  };
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(async () => expect((await log(id))[0]?.state).toBe('delivered'));
  expect(closed).toEqual([isCancelled ? 'cancelled' : 'read']);
});

it('what was under way when the object was evicted is sent again, under the same id', async () => {
  const here = await place();
  const { create, path, log } = here;
  const { id } = await create();
  answers = () => new Promise(() => {});
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(() => expect(got).toHaveLength(1));
  // Killed, since being put to sleep waits for what is under way.
  await runInDurableObject(here.object, (_, state) => state.abort('killed')).catch(() => {});
  answers = () => new Response();
  await later(20_001, here.object);
  await vi.waitFor(async () => expect((await log(id))[0]?.state).toBe('delivered'));
  expect(ids()).toEqual([ids()[0], ids()[0]]);
});

it('what was answered when the object died, but not written yet, is sent again under the same id, and nothing is lost', async () => {
  const here = await place();
  const { site, create, log } = here;
  const { id } = await create({ events: ['command.*.reply'] });
  const client = await site.client();
  const gathered = vi.spyOn(Results.prototype, 'add');
  const written = vi.spyOn(Results.prototype, 'write').mockImplementation(() => {});
  for (let n = 0; n < 3; n++) await client.ask('Echo', {});
  await vi.waitFor(() => expect(gathered).toHaveBeenCalledTimes(3));
  const before = ids();
  expect(new Set(before).size).toBe(3);
  await runInDurableObject(here.object, (_, state) => state.abort('killed')).catch(() => {});
  written.mockRestore();
  expect((await log(id)).map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting']);
  await later(20_001, here.object);
  await vi.waitFor(async () =>
    expect((await log(id)).every(({ state }) => state === 'delivered')).toBe(true),
  );
  expect(ids().toSorted()).toEqual([...before, ...before].toSorted());
});

/** A receiver that wants nothing for so many seconds: gives how to end that. */
async function silence({ path, show }: Awaited<ReturnType<typeof place>>, id: string, seconds: number) {
  answers = () => new Response(null, { status: 503, headers: { 'Retry-After': String(seconds) } });
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(async () => expect((await show(id)).quiet_until).not.toBeNull());
  got = [];
  answers = () => new Response();
}

/** Echoes, one after the other. */
async function echo(site: Site, ...texts: readonly string[]): Promise<void> {
  const client = await site.client();
  for (const text of texts) {
    await client.ask('Echo', { text });
    await client.toEnd();
  }
}

/** What was echoed, as the receiver has got it. */
const echoed = () =>
  got.flatMap(({ payload: { type, data } }) =>
    type === 'command.echo.reply' && 'data' in data ? [(data.data as { text: string }).text] : [],
  );

const deliveriesIn = (object: DurableObjectStub) =>
  runInDurableObject(
    object,
    (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM deliveries').one().n,
  );

it('what happens while a receiver is away costs no delivery, and comes in the end, in its order', async () => {
  const here = await place();
  const { site, create, object, show } = here;
  const { id } = await create({ events: ['command.*.reply'] });
  await silence(here, id, 60);
  const texts = Array.from({ length: 30 }, (_, n) => String(n));
  await echo(site, ...texts);
  await vi.waitFor(async () => expect((await show(id)).behind).toBeGreaterThanOrEqual(60));
  expect(await show(id)).toMatchObject({ waiting: 1 });
  expect([await deliveriesIn(object), got]).toEqual([1, []]);
  await later(61_000, object);
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 0, behind: 0 }));
  expect(echoed()).toEqual(texts);
});

it('events of 60 KB come whole, however many an endpoint is behind', async () => {
  const here = await place();
  const { site, create, object, show } = here;
  const { id } = await create({ events: ['command.*.reply'] });
  await silence(here, id, 60);
  const texts = Array.from({ length: 40 }, (_, n) => String(n).padEnd(60_000, '.'));
  await echo(site, ...texts);
  await vi.waitFor(async () => expect((await show(id)).behind).toBeGreaterThanOrEqual(80));
  await later(61_000, object);
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 0, behind: 0 }), 5_000);
  expect(echoed().toSorted()).toEqual(texts.toSorted());
});

it('what is wanted otherwise from now on does not change what is told of before', async () => {
  const here = await place();
  const { site, create, object, path } = here;
  const { id } = await create({ events: ['command.*.reply'] });
  await silence(here, id, 60);
  await echo(site, 'wanted');
  await admin('PATCH', `${path}/${id}`, { events: ['command.*.ended'] });
  await echo(site, 'not wanted');
  await later(61_000, object);
  const ofCommands = () => types().filter((type) => type.startsWith('command.'));
  await vi.waitFor(() => expect(ofCommands()).toEqual(['command.echo.reply', 'command.echo.ended']));
  expect(echoed()).toEqual(['wanted']);
});

it('what a disabled endpoint is to be told is read at once, and sent when it is enabled', async () => {
  const here = await place();
  const { site, create, path, show } = here;
  const { id } = await create({ events: ['command.*.reply'] });
  await silence(here, id, 60);
  await echo(site, 'one', 'two');
  await admin('PATCH', `${path}/${id}`, { enabled: false });
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 3, behind: 0 }));
  await echo(site, 'not kept');
  await vi.waitFor(async () => expect(await isTold(site)).toBe(false));
  await admin('PATCH', `${path}/${id}`, { enabled: true });
  await vi.waitFor(() => expect(echoed()).toEqual(['one', 'two']));
});

it('what the log is about to forget is read before, and waits for its receiver all the same', async () => {
  const here = await place();
  const { site, create, object, show, tenant } = here;
  const { id } = await create({ events: ['command.*.reply'] });
  await admin('PATCH', `/tenants/${tenant}`, { kept_seconds: 60 });
  await silence(here, id, 3_600);
  await echo(site, 'one', 'two');
  await vi.waitFor(async () => expect((await show(id)).behind).toBeGreaterThan(3));
  await later(25_000, object);
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 3, behind: 0 }));
  expect(got).toEqual([]);
  await later(60_000, site.object);
  await later(3_600_000, object);
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 0, dropped: 0 }));
  expect(echoed()).toEqual(['one', 'two']);
});

it('what the log has forgotten before it could be read is counted, and what follows comes', async () => {
  const here = await place();
  const { site, create, object, show } = here;
  const { id } = await create({ events: ['command.*.reply'] });
  await silence(here, id, 60);
  await echo(site, 'lost');
  await vi.waitFor(async () => expect((await show(id)).behind).toBeGreaterThan(0));
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const lost = await runInDurableObject(site.object, (_, { storage: { sql } }) => {
    const { end } = sql.exec<{ end: number }>('SELECT max(position) + 1 AS end FROM log_1').one();
    return end;
  });
  const kept = vi.spyOn(Segments.prototype, 'kept', 'get').mockReturnValue(lost);
  await echo(site, 'kept');
  await later(61_000, object);
  await vi.waitFor(() => expect(echoed()).toEqual(['kept']));
  expect((await show(id)).dropped).toBeGreaterThan(0);
  kept.mockRestore();
});

it('a log that cannot be read is read later, and nothing is lost with whoever dies meanwhile', async () => {
  const here = await place();
  const { site, create, show } = here;
  const { id } = await create({ events: ['command.*.reply'] });
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const unreadable = vi.spyOn(Switchboard.prototype, 'happened').mockImplementation(() => {
    throw new Error('unreachable');
  });
  await echo(site, 'one');
  await vi.waitFor(() => expect(unreadable).toHaveBeenCalled());
  await runInDurableObject(here.object, (_, state) => state.abort('killed')).catch(() => {});
  await evictDurableObject(site.object);
  unreadable.mockRestore();
  expect(got).toEqual([]);
  await later(20_001, here.object);
  await vi.waitFor(() => expect(echoed()).toEqual(['one']));
  expect(await show(id)).toMatchObject({ behind: 0, dropped: 0 });
});

it('410 in the middle of what is due stops the rest at once; it is kept, and sent when the endpoint is enabled', async () => {
  const { create, object, path, show } = await place();
  const { id } = await create();
  answers = () => new Response(null, { status: 429, headers: { 'Retry-After': '60' } });
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(async () => expect((await show(id)).quiet_until).not.toBeNull());
  for (let n = 0; n < 20; n++) await admin('POST', `${path}/${id}/test`);
  answers = (_, nth) => new Response(null, { status: nth === 6 ? 410 : 200 });
  await later(61_000, object);
  await vi.waitFor(async () =>
    expect(await show(id)).toMatchObject({ enabled: false, waiting: 16, failed: 1 }),
  );
  expect(got).toHaveLength(6);
  await runDurableObjectAlarm(object);
  expect(got).toHaveLength(6);
  await admin('PATCH', `${path}/${id}`, { enabled: true });
  await vi.waitFor(async () => expect(await show(id)).toMatchObject({ waiting: 0, failed: 1 }));
  expect(got).toHaveLength(22);
});

it('who looks is told of every try that is over, written or not', async () => {
  const { create, path, log, show } = await place();
  const { id } = await create();
  const gathered = vi.spyOn(Results.prototype, 'add');
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(() => expect(gathered).toHaveBeenCalledTimes(1));
  expect(await show(id)).toMatchObject({ waiting: 0 });
  expect(await log(id)).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }]);
});

it('what the Switchboard wrote and could not tell of before it died is told of by its alarm, once', async () => {
  const { site, create, object } = await place();
  await create({ events: ['command.*.reply'] });
  const client = await site.client();
  await client.ask('Echo', { text: 'one' });
  await client.toEnd();
  await vi.waitFor(() => expect(got).toHaveLength(1));
  // The webhooks cannot be reached, and then the Switchboard dies.
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const lost = vi.spyOn(Webhooks.prototype, 'told').mockImplementation(() => {
    throw new Error('unreachable');
  });
  await client.ask('Echo', { text: 'two' });
  await client.toEnd();
  await vi.waitFor(() => expect(lost).toHaveBeenCalled());
  await evictDurableObject(site.object);
  await evictDurableObject(object);
  lost.mockRestore();
  expect(got).toHaveLength(1);
  await later(6_000, site.object);
  await vi.waitFor(() => expect(got).toHaveLength(2));
  expect(got.map(({ payload }) => payload.data)).toMatchObject([
    { data: { text: 'one' } },
    { data: { text: 'two' } },
  ]);
});

it('what has happened and was not told of yet is told as endpoints were then', async () => {
  const { site, create, path } = await place();
  const filter = { events: ['command.*.reply'] };
  const { id } = await create(filter);
  const client = await site.client();
  const echo = async (text: string) => {
    await client.ask('Echo', { text });
    await client.toEnd();
  };
  const texts = () => got.map(({ url, payload }) => [new URL(url).pathname, payload.data]);
  const told = (where: string, text: string) => [where, expect.objectContaining({ data: { text } })];
  await echo('one');
  await vi.waitFor(() => expect(got).toHaveLength(1));
  // It is long before it comes by itself.
  vi.spyOn(load, 'gatherMs').mockReturnValue(60_000);
  await echo('two');
  await admin('PATCH', `${path}/${id}`, { enabled: false });
  await admin('PATCH', `${path}/${id}`, { enabled: true });
  await vi.waitFor(() => expect(got).toHaveLength(2));
  await echo('three');
  await create({ ...filter, url: `https://${host}/other` });
  await vi.waitFor(() => expect(got).toHaveLength(3));
  expect(texts()).toEqual([told('/hooks', 'one'), told('/hooks', 'two'), told('/hooks', 'three')]);
});

it('nothing of before it was made is told, and without an endpoint nothing is told', async () => {
  const { site, create, path, object } = await place();
  const client = await site.client();
  const echo = async (text: string) => {
    await client.ask('Echo', { text });
    await client.toEnd();
  };
  await echo('before');
  const { id } = await create({ events: ['command.*.reply'] });
  await echo('with');
  await vi.waitFor(() => expect(got).toHaveLength(1));
  expect(got[0]?.payload.data).toMatchObject({ data: { text: 'with' } });
  expect(await admin('DELETE', `${path}/${id}`)).toMatchObject({ status: 200 });
  expect(await isTold(site)).toBe(true);
  await echo('after');
  await vi.waitFor(async () => expect(await isTold(site)).toBe(false));
  expect(got).toHaveLength(1);
  const kept = await runInDurableObject(object, (_, { storage }) =>
    storage.sql.exec('SELECT * FROM deliveries').toArray(),
  );
  expect(kept).toEqual([]);
});

it('the end of a call is told though its event was lost: while one stands OpenSIPS is asked, and not when none does', async () => {
  const { site, create } = await place();
  await create({ events: ['call.*'] });
  const Dialog = { ID: 'x', state: 3, timestart: 1, callid: 'lost', from_uri: 'sip:a@b', to_uri: 'sip:b@a' };
  const known: Beat = { reply: { Dialog } };
  const gone: Beat = { error: { code: 404, message: 'Requested Dialog not found' } };
  let stands = true;
  const page = (): Beat => ({ reply: { count: stands ? 1 : 0, Dialogs: stands ? [Dialog] : [] } });
  const adapter = await site.adapter(
    script({ dlg_list: (callid) => (callid === '' ? page() : stands ? known : gone) }),
  );
  await adapter.raise(dialog('lost', 1, 2));
  await adapter.raise(dialog('lost', 2, 3));
  await vi.waitFor(() => expect(types()).toContain('call.answered'));
  stands = false;
  await later(ROUND_MS, site.object);
  await vi.waitFor(() => expect(types().at(-1)).toBe('call.ended'));
  const asked = adapter.surveyed.length;
  expect(asked).toBeGreaterThan(0);
  await later(ROUND_MS, site.object);
  await later(ROUND_MS, site.object);
  expect(adapter.surveyed).toHaveLength(asked);
  adapter.close();
});

it('a rotated secret signs beside the new one until its grace is over', async () => {
  const { create, path } = await place();
  const { id, secret } = await create();
  const rotated = await admin<EndpointWithSecret>('POST', `${path}/${id}/rotate`, { grace: 3_600 });
  expect(rotated.public_keys).toHaveLength(2);
  const verifies = (by: string) => {
    const { body, headers } = got.at(-1) ?? { body: '', headers: {} };
    try {
      return Boolean(new Webhook(by).verify(body, headers));
    } catch {
      return false;
    }
  };
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(() => expect(got).toHaveLength(1));
  expect([secret, rotated.secret].map(verifies)).toEqual([true, true]);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_001 });
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(() => expect(got).toHaveLength(2));
  expect([secret, rotated.secret].map(verifies)).toEqual([false, true]);
});

it('a secret is shown once; what changes is in the trail, without it', async () => {
  const { create, path, show, tenant } = await place();
  const { id, secret } = await create();
  expect(JSON.stringify(await show(id))).not.toContain('whsec_');
  expect(JSON.stringify(await admin('GET', path))).not.toMatch(/whsec_|whsk_/);
  await admin('PATCH', `${path}/${id}`, { description: 'billing' });
  await admin('DELETE', `${path}/none`);
  const { entries } = await admin<{ entries: { action: string; target: string; outcome: string }[] }>(
    'GET',
    `/tenants/${tenant}/audit`,
  );
  expect(entries.map(({ action, target }) => [action, target])).toEqual([
    ['webhook.delete', 'main none'],
    ['webhook.change', `main ${id}`],
    ['webhook.create', `main ${id}`],
    ['site.create', 'main'],
    ['tenant.create', tenant],
  ]);
  expect(JSON.stringify(entries)).not.toContain(secret);
});

it.each([
  ['POST', '', { url: 'http://hooks.example.com/' }, 400, 'takes https:// only'],
  ['POST', '', { url: 'https://hooks.example.com/', event: ['*'] }, 400, 'event'],
  ['PATCH', '/none', { url: 'http://hooks.example.com/' }, 400, 'takes https:// only'],
  ['PATCH', '/none', { enabled: true }, 404, 'no webhook none'],
  ['PATCH', '/none', {}, 400, 'nothing is to be changed'],
  ['GET', '/none', undefined, 404, 'no webhook none'],
  ['GET', '/none/deliveries', undefined, 404, 'no webhook none'],
  ['GET', '/none/deliveries?state=lost', undefined, 400, 'state'],
  ['POST', '/none/rotate', {}, 404, 'no webhook none'],
  ['POST', '/none/test', {}, 404, 'no webhook none'],
  ['POST', '/none/deliveries/1/replay', {}, 404, 'no webhook none'],
] as const)('%s %s %j is refused: %i', async (method, sub, body, status, detail) => {
  const { path } = await place();
  const answered = await admin<{ detail: string }>(method, `${path}${sub}`, body);
  expect(answered).toMatchObject({ status, detail: expect.stringContaining(detail) });
});

it('a site that is not has no webhooks, and a site has five at most', async () => {
  const { create, tenant } = await place();
  expect(await admin('GET', `/tenants/${tenant}/sites/other/webhooks`)).toMatchObject({ status: 404 });
  for (let n = 0; n < 5; n++) expect(await create()).toMatchObject({ status: 201 });
  expect(await create()).toMatchObject({ status: 409, detail: expect.stringContaining('at most 5') });
});

it('a deleted site takes its webhooks with it, also what is under way', async () => {
  const { create, object, path, tenant, log } = await place();
  const { id } = await create();
  const { promise, resolve } = Promise.withResolvers<Response>();
  answers = () => promise;
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(() => expect(got).toHaveLength(1));
  await admin('DELETE', `/tenants/${tenant}/sites/main`);
  resolve(new Response());
  await vi.waitFor(async () =>
    expect(
      await runInDurableObject(object, (_, { storage }) =>
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'deliveries'").toArray(),
      ),
    ).toEqual([]),
  );
  await later(40_000, env.TENANT.get(env.TENANT.idFromName(tenant)));
  await vi.waitFor(async () =>
    expect(await admin('POST', `/tenants/${tenant}/sites`, { id: 'main' })).toMatchObject({ status: 201 }),
  );
  expect(await admin('GET', path)).toMatchObject({ webhooks: [] });
  expect(await log(id)).toBeUndefined();
});

it('the log is kept for a week', async () => {
  const { create, object, path, log } = await place();
  const { id } = await create();
  await admin('POST', `${path}/${id}/test`);
  await vi.waitFor(async () => expect((await log(id))[0]?.state).toBe('delivered'));
  await later(6.9 * 86_400_000, object);
  expect(await log(id)).toHaveLength(1);
  await later(0.2 * 86_400_000, object);
  expect(await log(id)).toEqual([]);
});
