/** The events of a site reach its endpoints, whatever happens to receivers and objects. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { DeliveryView } from '../../shared/protocol/webhooks/deliveries.ts';
import type { EndpointView, EndpointWithSecret } from '../../shared/protocol/webhooks/endpoints.ts';
import { WebhookHeaders, WebhookPayload } from '../../shared/protocol/webhooks/events.ts';
import { loadMeter } from '../objects/load-meter.ts';
import { ROUND_INTERVAL_MS } from '../switchboard/link/reconcile-schedule.ts';
import { Segments } from '../switchboard/store/segments.ts';
import { Switchboard } from '../switchboard/switchboard.ts';
import type { ScriptedReply } from '../testing/adapter.ts';
import { eventually } from '../testing/eventually.ts';
import { dialogEvent, scenarios, scriptByMethod, statefulCalls } from '../testing/scenarios.ts';
import { policy, TestSite } from '../testing/site.ts';
import { ResultBatch } from './result-batch.ts';
import { DEFAULT_RETRY_DELAYS_S } from './retry-schedule.ts';
import { Webhooks } from './webhooks.ts';

/** A request that a receiver gets. */
interface ReceivedRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly payload: WebhookPayload;
  readonly redirect: string | undefined;
}

let received: ReceivedRequest[] = [];
/** The host of the current test. Late requests of earlier tests are accepted and ignored. */
let host = '';
let respond: (request: ReceivedRequest, nth: number) => Response | Promise<Response> = () =>
  new Response(null, { status: 204 });

beforeEach(() => {
  vi.restoreAllMocks();
  received = [];
  respond = () => new Response(null, { status: 204 });
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    const request = new Request(url, init);
    const body = await request.text();
    if (!new URL(request.url).hostname.endsWith(host)) return new Response();
    const receivedRequest = {
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body,
      payload: WebhookPayload.parse(JSON.parse(body)),
      redirect: init?.redirect,
    };
    received.push(receivedRequest);
    return respond(receivedRequest, received.length);
  });
});
// The stub of fetch stays: an object that retries after its test must not reach for the network.
afterEach(() => {
  vi.useRealTimers();
});

const ADMIN_AUTHORIZATION = { Authorization: `Bearer ${env.ADMIN_SECRET}` };

async function admin<T>(
  method: string,
  path: string,
  body?: object,
): Promise<T & { readonly status: number }> {
  const response = await exports.default.fetch(
    new Request(`http://localhost/v1/admin${path}`, {
      method,
      headers: ADMIN_AUTHORIZATION,
      ...(body ? { body: JSON.stringify(body) } : {}),
    }),
  );
  return { ...((await response.json()) as T), status: response.status };
}

let siteCount = 0;

/** Creates a site with its own tenant, and returns its webhooks. */
async function createSite() {
  const tenant = `hooks-${++siteCount}`;
  host = `${tenant}.test`;
  await admin('POST', '/tenants', { id: tenant });
  await admin('POST', `/tenants/${tenant}/sites`, { id: 'main' });
  const path = `/tenants/${tenant}/sites/main/webhooks`;
  return {
    tenant,
    path,
    site: new TestSite(tenant),
    /** A new stub at each use, because the stub of an aborted object remains broken. */
    get object() {
      return env.WEBHOOKS.get(env.WEBHOOKS.idFromName(`${tenant}/main`));
    },
    create: (body: object = {}) =>
      admin<EndpointWithSecret>('POST', path, { url: `https://${host}/hooks`, ...body }),
    show: (id: string) => admin<EndpointView>('GET', `${path}/${id}`),
    listDeliveries: async (id: string, query = '') =>
      (await admin<{ deliveries: DeliveryView[] }>('GET', `${path}/${id}/deliveries${query}`)).deliveries,
  };
}

const types = () => received.map(({ payload }) => payload.type);
const ids = () => received.map(({ headers }) => headers['webhook-id']);
const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

/** Returns whether the Switchboard notifies the webhooks of its log. */
function isNotified(site: TestSite): Promise<boolean> {
  return runInDurableObject(
    site.object,
    (_, { storage }) => storage.sql.exec('SELECT 1 FROM webhook_subscription').toArray().length > 0,
  );
}

/** Advances the clock, and fires the alarm of an object. */
async function advance(ms: number, object: DurableObjectStub): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
  await runDurableObjectAlarm(object);
}

/** Returns a function that runs one command after the other, each with a text in its metadata. Each fails at once. */
async function commandRunner(site: TestSite): Promise<(...texts: readonly string[]) => Promise<void>> {
  await site.adapter(scenarios.endNotFound);
  const client = await site.client({ policy: policy({ unread_bytes: 16_777_216 }) });
  return async (...texts) => {
    for (const text of texts) await client.runStored({ metadata: { text } });
  };
}

it('delivers the events of commands and calls in order, signed, and each once', async () => {
  const { site, create } = await createSite();
  const { secret, id, public_keys: keys, status } = await create();
  expect({ status, keys: keys.length, secret }).toMatchObject({ status: 201, keys: 1, secret: /^whsec_/ });
  const adapter = await site.adapter(statefulCalls('the-call'));
  const client = await site.client();
  await client.request('CallStart', { ...uris, metadata: { ticket: 7 } });
  const notifications = await client.untilEnded();
  await eventually(() => expect(types()).toContain('command.call_start.ended'));
  const commandData = received.flatMap(({ payload }) =>
    payload.type.startsWith('command.') ? [payload.data] : [],
  );
  expect(commandData.map((data) => ('event' in data ? data.event : ''))).toEqual(
    notifications.map(({ event }) => event),
  );
  expect(commandData.map((data) => ('seq' in data ? data.seq : 0))).toEqual(
    notifications.map(({ seq }) => seq),
  );
  for (const data of commandData)
    expect(data).toMatchObject({ method: 'CallStart', metadata: { ticket: 7 } });
  expect(types()).toContain('call.answered');
  const callData = received.flatMap(({ payload: { data } }) => ('call' in data ? [data] : []));
  for (const changes of Map.groupBy(callData, ({ call }) => call.callid).values())
    expect(changes.map(({ seq }) => seq)).toEqual(changes.map(({ seq }) => seq).toSorted((a, b) => a - b));
  expect(new Set(ids()).size).toBe(received.length);
  for (const { headers, body, url, redirect } of received) {
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    WebhookHeaders.parse(headers);
    expect({ url, redirect }).toEqual({ url: `https://${host}/hooks`, redirect: 'manual' });
  }
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  adapter.close();
});

it('applies the filters of types and of addresses together', async () => {
  const { site, create } = await createSite();
  await create({ events: ['command.*.started', 'command.*.ended'], addresses: ['alice@*'] });
  const adapter = await site.adapter(statefulCalls('one', 'two'));
  const client = await site.client();
  await client.request('CallStart', { ...uris, caller: 'sip:carol@127.0.0.1', cmd_id: 'carol' });
  await client.untilEnded();
  await client.request('CallStart', { ...uris, cmd_id: 'alice' });
  await client.untilEnded();
  await eventually(() => expect(received.length).toBeGreaterThan(0));
  expect(received.map(({ payload }) => payload.data)).toMatchObject([{ cmd_id: 'alice', event: 'Ended' }]);
  adapter.close();
});

it.each([false, true])(
  'retries in time when the clock was set back by a day, restarted: %s',
  async (isRestarted) => {
    const { site, create, object, listDeliveries, show } = await createSite();
    const { id } = await create({ events: ['command.*.error'] });
    const run = await commandRunner(site);
    let failures = 1;
    respond = () => new Response(null, { status: failures-- > 0 ? 500 : 200 });
    await run('one');
    await eventually(async () => expect((await listDeliveries(id)).at(-1)?.attempts).toHaveLength(1));
    if (isRestarted) await evictDurableObject(object);
    await advance(-86_400_000, object);
    expect(await show(id)).toMatchObject({ waiting: 1 });
    await advance(6_001, object);
    await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 0, failed: 0 }));
  },
);

it('retries a failed delivery with the same id and a new timestamp, while later ones overtake it', async () => {
  const { site, create, object, listDeliveries, show } = await createSite();
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  const failedIds: string[] = [];
  respond = ({ headers }) => {
    const isFirst = failedIds.length === 0 || failedIds[0] === headers['webhook-id'];
    if (isFirst) failedIds.push(headers['webhook-id'] ?? '');
    return new Response(null, { status: isFirst && failedIds.length < 3 ? 500 : 200 });
  };
  await run('first', 'second');
  await eventually(() => expect(received).toHaveLength(2));
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 1, failed: 0 }));
  await advance(6_001, object);
  await eventually(() => expect(received).toHaveLength(3));
  await eventually(async () => expect((await listDeliveries(id)).at(-1)?.attempts).toHaveLength(2));
  await advance(360_001, object);
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 0, failed: 0 }));
  const [first, second, ...retries] = ids();
  expect(second).not.toBe(first);
  expect(retries).toEqual([first, first]);
  const timestamps = received
    .filter(({ headers }) => headers['webhook-id'] === first)
    .map(({ headers }) => headers['webhook-timestamp']);
  expect(new Set(timestamps).size).toBe(3);
  expect((await listDeliveries(id)).at(-1)).toMatchObject({
    state: 'delivered',
    attempts: [
      {
        status: 500,
        error: 'The endpoint answered 500. Answer with a status from 200 to 299 to confirm a delivery.',
      },
      { status: 500 },
      { status: 200 },
    ],
  });
});

it('shows a delivery as failed after the last attempt, and can replay it', async () => {
  const { create, object, listDeliveries, show, path } = await createSite();
  const { id } = await create();
  respond = () => new Response(null, { status: 500 });
  await admin('POST', `${path}/${id}/test`);
  for (let attempts = 1; attempts < 10; attempts++) {
    await eventually(async () => expect((await listDeliveries(id))[0]?.attempts).toHaveLength(attempts));
    await advance((DEFAULT_RETRY_DELAYS_S[attempts] ?? 0) * 1_200 + 1, object);
  }
  await eventually(async () => expect(await show(id)).toMatchObject({ failed: 1, waiting: 0 }));
  const [failed] = await listDeliveries(id, '?state=failed');
  expect(failed).toMatchObject({ state: 'failed', next_try: null });
  expect(failed?.attempts).toHaveLength(10);
  respond = () => new Response();
  const replayed = await admin('POST', `${path}/${id}/deliveries/${failed?.n}/replay`);
  expect(replayed).toMatchObject({ status: 202, state: 'waiting' });
  await eventually(async () => expect(await show(id)).toMatchObject({ failed: 0, waiting: 0 }));
  expect(new Set(ids())).toEqual(new Set([failed?.webhook_id]));
});

it('sends a delivery that is replayed during an attempt again, whether the attempt succeeds or is the last one', async () => {
  const { create, object, listDeliveries, path } = await createSite();
  const { id } = await create();
  /** Replays the delivery while a request is being answered. */
  const replayDuring = async (status: number) => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const count = received.length;
    respond = (_, nth) => (nth === count + 1 ? promise : new Response());
    return async () => {
      await eventually(() => expect(received).toHaveLength(count + 1));
      const [delivery] = await listDeliveries(id);
      await admin('POST', `${path}/${id}/deliveries/${delivery?.n}/replay`);
      resolve(new Response(null, { status }));
      await eventually(() => expect(received).toHaveLength(count + 2));
      await eventually(async () => expect((await listDeliveries(id))[0]?.state).toBe('delivered'));
    };
  };
  const replaySuccess = await replayDuring(204);
  await admin('POST', `${path}/${id}/test`);
  await replaySuccess();
  expect((await listDeliveries(id))[0]?.attempts.map(({ status }) => status)).toEqual([204, 200]);
  respond = () => new Response(null, { status: 500 });
  await admin('POST', `${path}/${id}/test`);
  for (let attempts = 1; attempts < 9; attempts++) {
    await eventually(async () => expect((await listDeliveries(id))[0]?.attempts).toHaveLength(attempts));
    await advance((DEFAULT_RETRY_DELAYS_S[attempts] ?? 0) * 1_200 + 1, object);
  }
  await eventually(async () => expect((await listDeliveries(id))[0]?.attempts).toHaveLength(9));
  const replayLast = await replayDuring(500);
  await advance((DEFAULT_RETRY_DELAYS_S[9] ?? 0) * 1_200 + 1, object);
  await replayLast();
  expect((await listDeliveries(id))[0]?.attempts).toHaveLength(11);
});

it.each([
  { change: { url: 'new' }, status: 410, enabled: true },
  { change: { enabled: true }, status: 410, enabled: true },
  { change: { enabled: false }, status: 410, enabled: false },
  { change: { description: 'new' }, status: 410, enabled: false, because: 'The endpoint answered 410 Gone.' },
])('a change during an attempt counts more than what its receiver answers: $change', async (testCase) => {
  const { change, status, enabled, because = null } = testCase;
  const { create, listDeliveries, show, path } = await createSite();
  const { id } = await create();
  const { promise, resolve } = Promise.withResolvers<Response>();
  respond = (_, nth) => (nth === 1 ? promise : new Response());
  await admin('POST', `${path}/${id}/test`);
  await eventually(() => expect(received).toHaveLength(1));
  const changes = 'url' in change ? { url: `https://${host}/new` } : change;
  await admin('PATCH', `${path}/${id}`, changes);
  resolve(new Response(null, { status }));
  await eventually(async () => expect((await listDeliveries(id))[0]?.attempts).toHaveLength(1));
  expect(await show(id)).toMatchObject({ enabled, disabled_because: because });
});

it('announces the webhooks again if an endpoint changes during an announcement that succeeds', async () => {
  const { create, object, path } = await createSite();
  const { id } = await create({ enabled: false });
  const { promise, resolve } = Promise.withResolvers<void>();
  const enable = vi.spyOn(Switchboard.prototype, 'enableWebhooks');
  enable.mockImplementationOnce((() => promise) as () => void);
  const first = admin('PATCH', `${path}/${id}`, { description: 'new' });
  await eventually(() => expect(enable).toHaveBeenCalledTimes(1));
  enable.mockImplementationOnce(() => {
    throw new Error('the object is overloaded');
  });
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  expect(await admin('PATCH', `${path}/${id}`, { enabled: true })).toMatchObject({ untold: ['main'] });
  resolve();
  await first;
  await advance(5_001, object);
  expect(enable).toHaveBeenCalledTimes(3);
  expect(warned).toHaveBeenCalledTimes(1);
});

it('disables an endpoint that answers 410, and sends and keeps nothing for it until it is enabled', async () => {
  const { site, create, listDeliveries, show, path } = await createSite();
  const { id } = await create({ events: ['command.*.error'] });
  respond = () => new Response(null, { status: 410 });
  const run = await commandRunner(site);
  await run('one');
  await eventually(async () =>
    expect(await show(id)).toMatchObject({
      enabled: false,
      disabled_because: 'The endpoint answered 410 Gone.',
    }),
  );
  expect(await admin('POST', `${path}/${id}/test`)).toMatchObject({ status: 409 });
  await run('two');
  await eventually(async () => expect(await isNotified(site)).toBe(false));
  respond = () => new Response();
  expect(await admin('PATCH', `${path}/${id}`, { enabled: true })).toMatchObject({ disabled_because: null });
  await run('three');
  await eventually(async () => expect((await listDeliveries(id))[0]?.state).toBe('delivered'));
  expect(received.filter(({ payload }) => payload.type === 'command.call_end.error')).toHaveLength(2);
});

it('honors Retry-After for the whole endpoint, and delays no other', async () => {
  const { create, object, path, show } = await createSite();
  const { id } = await create();
  const other = await create({ url: `https://other.${host}/` });
  respond = () => new Response(null, { status: 429, headers: { 'Retry-After': '120' } });
  await admin('POST', `${path}/${id}/test`);
  await eventually(async () => expect((await show(id)).quiet_until).not.toBeNull());
  respond = () => new Response();
  await admin('POST', `${path}/${id}/test`);
  await admin('POST', `${path}/${other.id}/test`);
  await eventually(() => expect(received.map(({ url }) => url)).toContain(`https://other.${host}/`));
  await advance(60_000, object);
  expect(received).toHaveLength(2);
  await advance(61_000, object);
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 0, quiet_until: null }));
  expect(received).toHaveLength(4);
});

it('does not follow a redirect, and says what to do', async () => {
  const { create, path, listDeliveries } = await createSite();
  const { id } = await create();
  respond = () => new Response(null, { status: 307, headers: { Location: 'http://10.0.0.1/' } });
  await admin('POST', `${path}/${id}/test`);
  await eventually(async () =>
    expect((await listDeliveries(id))[0]?.attempts).toMatchObject([
      {
        status: 307,
        error: 'The endpoint answered 307, and redirects are not followed. Set the URL that it redirects to.',
      },
    ]),
  );
  expect(received).toHaveLength(1);
});

it('delays neither other endpoints nor calls when a receiver hangs', async () => {
  const { site, create, show, listDeliveries } = await createSite();
  const events = ['command.*'];
  const hanging = await create({ url: `https://hanging.${host}/`, events });
  const healthy = await create({ url: `https://healthy.${host}/`, events });
  const { promise, resolve } = Promise.withResolvers<Response>();
  respond = ({ url }) => (url.includes('hanging') ? promise : new Response());
  const run = await commandRunner(site);
  await run('one', 'two', 'three');
  await eventually(async () => {
    const deliveries = await listDeliveries(healthy.id);
    expect(deliveries.filter(({ type }) => type === 'command.call_end.ended')).toHaveLength(3);
    expect(deliveries.every(({ state }) => state === 'delivered')).toBe(true);
  });
  // One of each command, because the next one must wait for it.
  expect(received.filter(({ url }) => url.includes('hanging'))).toHaveLength(3);
  expect((await show(hanging.id)).waiting).toBeGreaterThan(3);
  resolve(new Response());
  await eventually(async () => expect(await show(hanging.id)).toMatchObject({ waiting: 0 }));
});

it('does not read an endless response', async () => {
  const { create, path, listDeliveries } = await createSite();
  const { id } = await create();
  let isCanceled = false;
  respond = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1_024)),
        cancel: () => {
          isCanceled = true;
        },
      }),
    );
  await admin('POST', `${path}/${id}/test`);
  await eventually(async () => expect((await listDeliveries(id))[0]?.state).toBe('delivered'));
  expect(isCanceled).toBe(true);
});

it.each([
  [
    'reads a short response to its end, so that its connection can be reused',
    { 'Content-Length': '4' },
    false,
  ],
  ['cancels a long response', { 'Content-Length': '4097' }, true],
  ['cancels a compressed response', { 'Content-Length': '4', 'Content-Encoding': 'gzip' }, true],
] as const)('%s', async (_, headers, shouldCancel) => {
  const { create, path, listDeliveries } = await createSite();
  const { id } = await create();
  const endings: string[] = [];
  respond = () => {
    let pullCount = 0;
    const pull = (controller: ReadableStreamDefaultController) => {
      if (pullCount++ === 0) return controller.enqueue(new TextEncoder().encode('done'));
      endings.push('read');
      controller.close();
    };
    // The stream is pulled only when it is read.
    const body = new ReadableStream(
      { pull, cancel: () => void endings.push('canceled') },
      { highWaterMark: 0 },
    );
    const response = new Response(null, { headers });
    return Object.defineProperty(response, 'body', { value: body });
  };
  await admin('POST', `${path}/${id}/test`);
  await eventually(async () => expect((await listDeliveries(id))[0]?.state).toBe('delivered'));
  expect(endings).toEqual([shouldCancel ? 'canceled' : 'read']);
});

it('sends a delivery again under the same id if the object dies during the attempt', async () => {
  const testSite = await createSite();
  const { create, path, listDeliveries } = testSite;
  const { id } = await create();
  respond = () => new Promise(() => {});
  await admin('POST', `${path}/${id}/test`);
  await eventually(() => expect(received).toHaveLength(1));
  // Aborted, because an eviction waits for requests in flight.
  await runInDurableObject(testSite.object, (_, state) => state.abort('killed')).catch(() => {});
  respond = () => new Response();
  await advance(20_001, testSite.object);
  await eventually(async () => expect((await listDeliveries(id))[0]?.state).toBe('delivered'));
  expect(ids()).toEqual([ids()[0], ids()[0]]);
});

it('sends deliveries again under the same ids if the object dies before their results are written', async () => {
  const testSite = await createSite();
  const { site, create, listDeliveries } = testSite;
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  const add = vi.spyOn(ResultBatch.prototype, 'add');
  const write = vi.spyOn(ResultBatch.prototype, 'write').mockImplementation(() => {});
  await run('one', 'two', 'three');
  await eventually(() => expect(add).toHaveBeenCalledTimes(3));
  const firstIds = ids();
  expect(new Set(firstIds).size).toBe(3);
  await runInDurableObject(testSite.object, (_, state) => state.abort('killed')).catch(() => {});
  write.mockRestore();
  expect((await listDeliveries(id)).map(({ state }) => state)).toEqual(['waiting', 'waiting', 'waiting']);
  await advance(20_001, testSite.object);
  await eventually(async () =>
    expect((await listDeliveries(id)).every(({ state }) => state === 'delivered')).toBe(true),
  );
  expect(ids().toSorted()).toEqual([...firstIds, ...firstIds].toSorted());
});

/** Makes an endpoint quiet for some seconds by a `Retry-After`. */
async function silence({ path, show }: Awaited<ReturnType<typeof createSite>>, id: string, seconds: number) {
  respond = () => new Response(null, { status: 503, headers: { 'Retry-After': String(seconds) } });
  await admin('POST', `${path}/${id}/test`);
  await eventually(async () => expect((await show(id)).quiet_until).not.toBeNull());
  received = [];
  respond = () => new Response();
}

/** Returns the texts of the received events of {@link commandRunner}. */
const receivedTexts = () =>
  received.flatMap(({ payload: { type, data } }) =>
    type === 'command.call_end.error' && 'metadata' in data ? [data.metadata?.['text']] : [],
  );

const countDeliveries = (object: DurableObjectStub) =>
  runInDurableObject(
    object,
    (_, { storage }) =>
      storage.sql.exec<{ count: number }>('SELECT count(*) AS count FROM deliveries').one().count,
  );

it('stores no deliveries while a receiver is away, and sends all events in order afterwards', async () => {
  const testSite = await createSite();
  const { site, create, object, show } = testSite;
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  await silence(testSite, id, 60);
  const texts = Array.from({ length: 30 }, (_, n) => String(n));
  await run(...texts);
  await eventually(async () => expect((await show(id)).behind).toBeGreaterThanOrEqual(60));
  expect(await show(id)).toMatchObject({ waiting: 1 });
  expect([await countDeliveries(object), received]).toEqual([1, []]);
  await advance(61_000, object);
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 0, behind: 0 }));
  expect(receivedTexts()).toEqual(texts);
});

it('delivers events with long metadata completely, however far behind an endpoint is', async () => {
  const testSite = await createSite();
  const { site, create, object, show } = testSite;
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  await silence(testSite, id, 60);
  const texts = Array.from({ length: 40 }, (_, n) => String(n).padEnd(2_000, '.'));
  await run(...texts);
  await eventually(async () => expect((await show(id)).behind).toBeGreaterThanOrEqual(80));
  await advance(61_000, object);
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 0, behind: 0 }));
  expect(receivedTexts().toSorted()).toEqual(texts.toSorted());
});

it('applies a changed filter only to later events', async () => {
  const testSite = await createSite();
  const { site, create, object, path } = testSite;
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  await silence(testSite, id, 60);
  await run('wanted');
  await admin('PATCH', `${path}/${id}`, { events: ['command.*.ended'] });
  await run('not wanted');
  await advance(61_000, object);
  const commandDatas = () => types().filter((type) => type.startsWith('command.'));
  await eventually(() =>
    expect(commandDatas()).toEqual(['command.call_end.error', 'command.call_end.ended']),
  );
  expect(receivedTexts()).toEqual(['wanted']);
});

it('reads the pending events of a disabled endpoint at once, and sends them when it is enabled', async () => {
  const testSite = await createSite();
  const { site, create, path, show } = testSite;
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  await silence(testSite, id, 60);
  await run('one', 'two');
  await admin('PATCH', `${path}/${id}`, { enabled: false });
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 3, behind: 0 }));
  await run('not kept');
  await eventually(async () => expect(await isNotified(site)).toBe(false));
  await admin('PATCH', `${path}/${id}`, { enabled: true });
  await eventually(() => expect(receivedTexts()).toEqual(['one', 'two']));
});

it('reads events before the listDeliveries drops them, and keeps them for a quiet endpoint', async () => {
  const testSite = await createSite();
  const { site, create, object, show, tenant } = testSite;
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  await admin('PATCH', `/tenants/${tenant}`, { kept_seconds: 60 });
  await silence(testSite, id, 3_600);
  await run('one', 'two');
  await eventually(async () => expect((await show(id)).behind).toBeGreaterThan(3));
  await advance(25_000, object);
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 3, behind: 0 }));
  expect(received).toEqual([]);
  await advance(60_000, site.object);
  await advance(3_600_000, object);
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 0, dropped: 0 }));
  expect(receivedTexts()).toEqual(['one', 'two']);
});

it('counts events that the listDeliveries dropped before they were read, and delivers the later ones', async () => {
  const testSite = await createSite();
  const { site, create, object, show } = testSite;
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  await silence(testSite, id, 60);
  await run('lost');
  await eventually(async () => expect((await show(id)).behind).toBeGreaterThan(0));
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const lostBefore = await runInDurableObject(site.object, (_, { storage: { sql } }) => {
    const { end } = sql.exec<{ end: number }>('SELECT max(position) + 1 AS end FROM log_1').one();
    return end;
  });
  const firstKept = vi.spyOn(Segments.prototype, 'firstKept', 'get').mockReturnValue(lostBefore);
  await run('kept');
  await advance(61_000, object);
  await eventually(() => expect(receivedTexts()).toEqual(['kept']));
  expect((await show(id)).dropped).toBeGreaterThan(0);
  firstKept.mockRestore();
});

it('retries to read the listDeliveries, and loses nothing if objects die meanwhile', async () => {
  const testSite = await createSite();
  const { site, create, show } = testSite;
  const { id } = await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const readLog = vi.spyOn(Switchboard.prototype, 'readLog').mockImplementation(() => {
    throw new Error('unreachable');
  });
  await run('one');
  await eventually(() => expect(readLog).toHaveBeenCalled());
  await runInDurableObject(testSite.object, (_, state) => state.abort('killed')).catch(() => {});
  await evictDurableObject(site.object);
  readLog.mockRestore();
  expect(received).toEqual([]);
  await advance(20_001, testSite.object);
  await eventually(() => expect(receivedTexts()).toEqual(['one']));
  expect(await show(id)).toMatchObject({ behind: 0, dropped: 0 });
});

it('stops at a 410 at once, keeps the other due deliveries, and sends them when the endpoint is enabled', async () => {
  const { create, object, path, show } = await createSite();
  const { id } = await create();
  respond = () => new Response(null, { status: 429, headers: { 'Retry-After': '60' } });
  await admin('POST', `${path}/${id}/test`);
  await eventually(async () => expect((await show(id)).quiet_until).not.toBeNull());
  for (let n = 0; n < 20; n++) await admin('POST', `${path}/${id}/test`);
  respond = (_, nth) => new Response(null, { status: nth === 6 ? 410 : 200 });
  await advance(61_000, object);
  await eventually(async () =>
    expect(await show(id)).toMatchObject({ enabled: false, waiting: 16, failed: 1 }),
  );
  expect(received).toHaveLength(6);
  await runDurableObjectAlarm(object);
  expect(received).toHaveLength(6);
  await admin('PATCH', `${path}/${id}`, { enabled: true });
  await eventually(async () => expect(await show(id)).toMatchObject({ waiting: 0, failed: 1 }));
  expect(received).toHaveLength(22);
});

it('shows every finished attempt, even before its result is written', async () => {
  const { create, path, listDeliveries, show } = await createSite();
  const { id } = await create();
  const add = vi.spyOn(ResultBatch.prototype, 'add');
  await admin('POST', `${path}/${id}/test`);
  await eventually(() => expect(add).toHaveBeenCalledTimes(1));
  expect(await show(id)).toMatchObject({ waiting: 0 });
  expect(await listDeliveries(id)).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }]);
});

it('delivers events once that the Switchboard logged but could not report before it died', async () => {
  const { site, create, object } = await createSite();
  await create({ events: ['command.*.error'] });
  const run = await commandRunner(site);
  await run('one');
  await eventually(() => expect(received).toHaveLength(1));
  // The webhooks cannot be reached, and then both objects are evicted.
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const onLogPosition = vi.spyOn(Webhooks.prototype, 'onLogPosition').mockImplementation(() => {
    throw new Error('unreachable');
  });
  await run('two');
  await eventually(() => expect(onLogPosition).toHaveBeenCalled());
  await evictDurableObject(site.object);
  await evictDurableObject(object);
  onLogPosition.mockRestore();
  expect(received).toHaveLength(1);
  await advance(6_000, site.object);
  await eventually(() => expect(received).toHaveLength(2));
  expect(receivedTexts()).toEqual(['one', 'two']);
});

it('delivers unreported events by the endpoints that existed when they happened', async () => {
  const { site, create, path } = await createSite();
  const filter = { events: ['command.*.error'] };
  const { id } = await create(filter);
  const run = await commandRunner(site);
  const delivered = () => received.map(({ url, payload }) => [new URL(url).pathname, payload.data]);
  const delivery = (path: string, text: string) => [path, expect.objectContaining({ metadata: { text } })];
  await run('one');
  await eventually(() => expect(received).toHaveLength(1));
  // Without a change of endpoints, the event would not be reported for a long time.
  vi.spyOn(loadMeter, 'batchWindowMs').mockReturnValue(60_000);
  await run('two');
  await admin('PATCH', `${path}/${id}`, { enabled: false });
  await admin('PATCH', `${path}/${id}`, { enabled: true });
  await eventually(() => expect(received).toHaveLength(2));
  await run('three');
  await create({ ...filter, url: `https://${host}/other` });
  await eventually(() => expect(received).toHaveLength(3));
  expect(delivered()).toEqual([
    delivery('/hooks', 'one'),
    delivery('/hooks', 'two'),
    delivery('/hooks', 'three'),
  ]);
});

it('delivers no events from before an endpoint was created, and nothing without endpoints', async () => {
  const { site, create, path, object } = await createSite();
  const run = await commandRunner(site);
  await run('before');
  const { id } = await create({ events: ['command.*.error'] });
  await run('with');
  await eventually(() => expect(received).toHaveLength(1));
  expect(received[0]?.payload.data).toMatchObject({ metadata: { text: 'with' } });
  expect(await admin('DELETE', `${path}/${id}`)).toMatchObject({ status: 200 });
  expect(await isNotified(site)).toBe(true);
  await run('after');
  await eventually(async () => expect(await isNotified(site)).toBe(false));
  expect(received).toHaveLength(1);
  const rows = await runInDurableObject(object, (_, { storage }) =>
    storage.sql.exec('SELECT * FROM deliveries').toArray(),
  );
  expect(rows).toEqual([]);
});

it('delivers the end of a call although its event was lost, and polls OpenSIPS only while calls are active', async () => {
  const { site, create } = await createSite();
  await create({ events: ['call.*'] });
  const Dialog = { ID: 'x', state: 3, timestart: 1, callid: 'lost', from_uri: 'sip:a@b', to_uri: 'sip:b@a' };
  const activeReply: ScriptedReply = { reply: { Dialog } };
  const notFoundReply: ScriptedReply = { error: { code: 404, message: 'Requested Dialog not found' } };
  let isActive = true;
  const page = (): ScriptedReply => ({
    reply: { count: isActive ? 1 : 0, Dialogs: isActive ? [Dialog] : [] },
  });
  const adapter = await site.adapter(
    scriptByMethod({
      dlg_list: (callid) => (callid === '' ? page() : isActive ? activeReply : notFoundReply),
    }),
  );
  await adapter.raiseEvent(dialogEvent('lost', 1, 2));
  await adapter.raiseEvent(dialogEvent('lost', 2, 3));
  await eventually(() => expect(types()).toContain('call.answered'));
  isActive = false;
  await advance(ROUND_INTERVAL_MS, site.object);
  await eventually(() => expect(types().at(-1)).toBe('call.ended'));
  const requestCount = adapter.reconcileRequests.length;
  expect(requestCount).toBeGreaterThan(0);
  await advance(ROUND_INTERVAL_MS, site.object);
  await advance(ROUND_INTERVAL_MS, site.object);
  expect(adapter.reconcileRequests).toHaveLength(requestCount);
  adapter.close();
});

it('signs with a rotated secret too until its grace period is over', async () => {
  const { create, path } = await createSite();
  const { id, secret } = await create();
  const rotated = await admin<EndpointWithSecret>('POST', `${path}/${id}/rotate`, { grace: 3_600 });
  expect(rotated.public_keys).toHaveLength(2);
  const verifies = (candidate: string) => {
    const { body, headers } = received.at(-1) ?? { body: '', headers: {} };
    try {
      return Boolean(new Webhook(candidate).verify(body, headers));
    } catch {
      return false;
    }
  };
  await admin('POST', `${path}/${id}/test`);
  await eventually(() => expect(received).toHaveLength(1));
  expect([secret, rotated.secret].map(verifies)).toEqual([true, true]);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_001 });
  await admin('POST', `${path}/${id}/test`);
  await eventually(() => expect(received).toHaveLength(2));
  expect([secret, rotated.secret].map(verifies)).toEqual([false, true]);
});

it('shows a secret once, and records changes in the audit trail without it', async () => {
  const { create, path, show, tenant } = await createSite();
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
  ['POST', '', { url: 'http://hooks.example.com/' }, 400, 'is not an https:// URL'],
  ['POST', '', { url: 'https://hooks.example.com/', event: ['*'] }, 400, 'event'],
  ['PATCH', '/none', { url: 'http://hooks.example.com/' }, 400, 'is not an https:// URL'],
  ['PATCH', '/none', { enabled: true }, 404, 'no webhook "none"'],
  ['PATCH', '/none', {}, 400, 'The body changes nothing.'],
  ['GET', '/none', undefined, 404, 'no webhook "none"'],
  ['GET', '/none/deliveries', undefined, 404, 'no webhook "none"'],
  ['GET', '/none/deliveries?state=lost', undefined, 400, 'state'],
  ['POST', '/none/rotate', {}, 404, 'no webhook "none"'],
  ['POST', '/none/test', {}, 404, 'no webhook "none"'],
  ['POST', '/none/deliveries/1/replay', {}, 404, 'no webhook "none"'],
] as const)('rejects %s %s %j with %i', async (method, subpath, body, status, detail) => {
  const { path } = await createSite();
  const response = await admin<{ detail: string }>(method, `${path}${subpath}`, body);
  expect(response).toMatchObject({ status, detail: expect.stringContaining(detail) });
});

it('has no webhooks for an unknown site, and at most five per site', async () => {
  const { create, tenant } = await createSite();
  expect(await admin('GET', `/tenants/${tenant}/sites/other/webhooks`)).toMatchObject({ status: 404 });
  for (let n = 0; n < 5; n++) expect(await create()).toMatchObject({ status: 201 });
  expect(await create()).toMatchObject({ status: 409, detail: expect.stringContaining('at most 5') });
});

it('deletes the webhooks of a deleted site, also with a delivery in flight', async () => {
  const { create, object, path, tenant, listDeliveries } = await createSite();
  const { id } = await create();
  const { promise, resolve } = Promise.withResolvers<Response>();
  respond = () => promise;
  await admin('POST', `${path}/${id}/test`);
  await eventually(() => expect(received).toHaveLength(1));
  await admin('DELETE', `/tenants/${tenant}/sites/main`);
  resolve(new Response());
  await eventually(async () =>
    expect(
      await runInDurableObject(object, (_, { storage }) =>
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'deliveries'").toArray(),
      ),
    ).toEqual([]),
  );
  await advance(40_000, env.TENANT.get(env.TENANT.idFromName(tenant)));
  await eventually(async () =>
    expect(await admin('POST', `/tenants/${tenant}/sites`, { id: 'main' })).toMatchObject({ status: 201 }),
  );
  expect(await admin('GET', path)).toMatchObject({ webhooks: [] });
  expect(await listDeliveries(id)).toBeUndefined();
});

it('keeps deliveries for a week', async () => {
  const { create, object, path, listDeliveries } = await createSite();
  const { id } = await create();
  await admin('POST', `${path}/${id}/test`);
  await eventually(async () => expect((await listDeliveries(id))[0]?.state).toBe('delivered'));
  await advance(6.9 * 86_400_000, object);
  expect(await listDeliveries(id)).toHaveLength(1);
  await advance(0.2 * 86_400_000, object);
  expect(await listDeliveries(id)).toEqual([]);
});
