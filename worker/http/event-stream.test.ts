/** Event streams: what they contain for whom, that they resume without gaps, and that the object may sleep. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ScriptedAdapter } from '../testing/adapter.ts';
import { createHttpClient, createSender, type TokenOptions } from '../testing/http.ts';
import { statefulCalls } from '../testing/scenarios.ts';
import { policy, TestSite } from '../testing/site.ts';
import { toServerSentEvents } from './event-stream.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

let site: TestSite;
let adapter: ScriptedAdapter;
beforeEach(async () => {
  site = new TestSite();
  adapter = await site.adapter(statefulCalls('one', 'two', 'three', 'four'));
});
afterEach(() => {
  vi.useRealTimers();
  adapter.close();
});

interface Event {
  readonly id?: number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Opens a stream and reads it event by event. */
async function openStream(token: TokenOptions = {}, query = '', headers = {}, tenantPolicy = policy()) {
  const response = await (await createSender(site, token, tenantPolicy))(`/v1/events${query}`, { headers });
  expect([response.status, response.headers.get('Content-Type')]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
  ]);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  /** Returns the next event, without comments; undefined where the stream has ended. */
  const next = async (): Promise<Event | undefined> => {
    while (!text.includes('\n\n')) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done || value === undefined) return undefined;
      text += value;
    }
    const [block = ''] = text.split('\n\n', 1);
    text = text.slice(block.length + 2);
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (data === undefined) return next();
    const id = /^id: (\d+)$/m.exec(block)?.[1];
    return { ...JSON.parse(data), ...(id === undefined ? {} : { id: Number(id) }) };
  };
  return {
    next,
    /** Returns all events up to the given one of a command. */
    async until(cmdId: string, name = 'Ended') {
      const events: Event[] = [];
      for (let event = await next(); event; event = await next()) {
        events.push(event);
        if (event.params['cmd_id'] === cmdId && event.params['event'] === name) return events;
      }
      throw new Error(`the stream ended before ${name} of ${cmdId}`);
    },
    close: () => reader?.cancel(),
  };
}

/** Summarizes an event. */
const summarize = ({ method, params }: Event) => `${method} ${params['event'] ?? ''}`.trim();
const ids = (events: readonly Event[]) => events.map(({ id }) => id ?? 0);

it('starts with the active calls, and continues with calls and the commands of all sessions of its subject', async () => {
  const socket = await site.client({ subject: 'sub:alice', session: 'other' });
  await socket.request('CallStart', { ...URIS, cmd_id: 'before' });
  await socket.untilEnded();
  const events = await openStream();
  const first = await events.next();
  expect(first).toMatchObject({ method: 'Calls', params: { link: 'Up', calls: [{ callid: 'one' }] } });
  expect(first?.id).toBe(first?.params['seq']);

  await socket.request('CallHold', { callid: 'one', cmd_id: 'held' });
  const received = await events.until('held');
  expect(received.map(summarize)).toEqual(
    expect.arrayContaining(['CallHold CallHolding', 'Call Held', 'CallHold Ended']),
  );
  expect(ids(received)).toEqual(received.map(({ params }) => params['seq']));
  expect(ids(received)).toEqual(ids(received).toSorted((a, b) => a - b));
  await events.close();
});

it('contains no commands of other subjects, and only calls that its subject may see', async () => {
  const [alice, eve] = [await createHttpClient(site), await createHttpClient(site, { subject: 'sub:eve' })];
  const bound = await openStream({ subject: 'sub:eve', caller: 'sip:eve@127.0.0.1' });
  const unbound = await openStream({ subject: 'sub:eve' });
  await alice('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'hers' });
  await alice('GET', '/v1/commands/hers?wait=60');
  await eve('DELETE', '/v1/calls/none', undefined, { 'Idempotency-Key': 'mine' });
  const received = [await bound.until('mine'), await unbound.until('mine')];
  expect(received[0]?.map(summarize)).toEqual(['Calls', 'CallEnd Error', 'CallEnd Ended']);
  expect(JSON.stringify(received[0])).not.toContain('alice');
  expect(received[1]?.map(summarize)).toContain('Call Answered');
  expect(received[1]?.map(summarize)).not.toContain('CallStart Ended');
  for (const stream of [bound, unbound]) await stream.close();
});

it('resumes after Last-Event-ID without gaps or repetitions', async () => {
  const request = await createHttpClient(site);
  const uninterrupted = await openStream();
  const first = await openStream();
  await request('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a' });
  const received = await first.until('a', 'CallerAnswered');
  await first.close();
  await request('GET', '/v1/commands/a?wait=60');
  await request('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'b' });
  await request('GET', '/v1/commands/b?wait=60');
  const second = await openStream({}, '?since=0', { 'Last-Event-ID': String(received.at(-1)?.id) });
  await request('DELETE', '/v1/calls/none', undefined, { 'Idempotency-Key': 'last' });
  const missed = await second.until('last');
  const all = await uninterrupted.until('last');
  const [firstId = 0] = ids(received);
  expect([...received, ...missed].filter(({ id = 0 }) => id > firstId)).toEqual(
    all.filter(({ id = 0 }) => id > firstId),
  );
  for (const stream of [second, uninterrupted]) await stream.close();
});

it('does not repeat notifications that are replayed to another session', async () => {
  const request = await createHttpClient(site);
  await request('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a' });
  await request('GET', '/v1/commands/a?wait=60');
  const events = await openStream();
  const socket = await site.client({ subject: 'sub:alice', session: 'another' });
  await socket.request('CallStart', { ...URIS, cmd_id: 'a' });
  await socket.untilEnded();
  await socket.request('CallEnd', { callid: 'none', cmd_id: 'z' });
  expect((await events.until('z')).map(summarize)).toEqual(['Calls', 'CallEnd Error', 'CallEnd Ended']);
  await events.close();
});

it('replays kept commands and then all calls, if no one watched calls at its start position', async () => {
  const request = await createHttpClient(site);
  await request('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a' });
  await request('GET', '/v1/commands/a?wait=60');
  await request('POST', '/v1/calls/one/hold', undefined, { 'Idempotency-Key': 'h' });
  await request('GET', '/v1/commands/h?wait=60');
  const events = await openStream({}, '?since=0');
  const replayed = [...(await events.until('a')), ...(await events.until('h'))];
  expect(new Set(replayed.map(({ method }) => method))).toEqual(new Set(['CallStart', 'CallHold']));
  const snapshot = await events.next();
  expect(snapshot).toMatchObject({
    method: 'Calls',
    params: { reset: true, calls: [{ callid: 'one', state: 'held' }] },
  });
  expect(snapshot?.id).toBeGreaterThan(replayed.at(-1)?.id ?? 0);
  await events.close();
});

it('says that notifications are no longer kept', async () => {
  const events = await openStream({}, '?since=999999');
  expect(await events.next()).toEqual({
    ...{ jsonrpc: '2.0', method: 'SessionReset', params: { since: 999_999 } },
  });
  expect(await events.next()).toMatchObject({ method: 'Calls', params: { reset: true, calls: [] } });
  await events.close();
});

it('survives evictions of the object, as does waiting for a command', async () => {
  const request = await createHttpClient(site);
  const events = await openStream();
  await events.next();
  const received: Event[] = [];
  for (const cmdId of ['a', 'b']) {
    const isWaiting = () =>
      runInDurableObject(
        site.object,
        (_, ctx) => ctx.getWebSockets(`command-end:${cmdId}:sub:alice`).length > 0,
      );
    adapter.beforeSend = async () => {
      while (!(await isWaiting())) await new Promise((resume) => setTimeout(resume, 10));
      adapter.beforeSend = async () => {};
      await evictDurableObject(site.object);
    };
    await request('POST', '/v1/calls', URIS, { 'Idempotency-Key': cmdId });
    const waitingRequest = request('GET', `/v1/commands/${cmdId}?wait=60`);
    received.push(...(await events.until(cmdId)));
    expect((await waitingRequest).body).toMatchObject({ state: 'ended' });
    await evictDurableObject(site.object);
  }
  expect(received.filter(({ params }) => params['event'] === 'CalleeAnswered')).toHaveLength(2);
  expect(ids(received)).toEqual([...new Set(ids(received))].toSorted((a, b) => a - b));
  await events.close();
});

it('ends when its token expires or its key is revoked', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Math.ceil(Date.now() / 1_000) * 1_000 });
  const shortLived = await openStream({ expires: Date.now() + 60_000 });
  const longLived = await openStream({ subject: 'sub:bob', expires: Date.now() + 3_600_000 });
  for (const stream of [shortLived, longLived])
    expect(await stream.next()).toMatchObject({ method: 'Calls' });
  vi.setSystemTime(Date.now() + 60_000);
  await runDurableObjectAlarm(site.object);
  expect(await shortLived.next()).toBeUndefined();
  const request = await createHttpClient(site, { subject: 'sub:bob' });
  // The link of the first one has timed out.
  adapter = await site.adapter(statefulCalls('one'));
  await request('DELETE', '/v1/calls/none', undefined, { 'Idempotency-Key': 'later' });
  await longLived.until('later');
  await site.object.revokeKey('k1');
  expect(await longLived.next()).toBeUndefined();
});

it('counts as a socket of its subject until it is closed', async () => {
  const oneSession = policy({ sessions_per_subject: 1 });
  const request = await createHttpClient(site, {}, oneSession);
  const events = await openStream({}, '', {}, oneSession);
  const rejected = await request('GET', '/v1/events');
  expect([rejected.status, rejected.headers.get('Retry-After')]).toEqual([429, '5']);
  await events.close();
  const reopen = await createSender(
    site,
    {},
    policy({ sessions_per_subject: 1, connections_per_minute: 60_000 }),
  );
  let response = await reopen('/v1/events');
  while (response.status !== 200) response = await reopen('/v1/events');
  await response.body?.cancel();
});

it('has one event for each notification of a frame', () => {
  const notification = (seq?: number) => ({
    jsonrpc: '2.0',
    method: 'Call',
    params: seq === undefined ? {} : { seq },
  });
  expect(toServerSentEvents(JSON.stringify([notification(1), notification(2)]))).toBe(
    `id: 1\ndata: ${JSON.stringify(notification(1))}\n\nid: 2\ndata: ${JSON.stringify(notification(2))}\n\n`,
  );
  expect(toServerSentEvents(JSON.stringify(notification()))).toBe(
    `data: ${JSON.stringify(notification())}\n\n`,
  );
});
