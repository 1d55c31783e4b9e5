/** Streams of events: what they tell and to whom, that nothing is missing, and that the object sleeps meanwhile. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ScriptedAdapter } from '../testing/adapter.ts';
import { caller, sender, type Token } from '../testing/http.ts';
import { callsMade } from '../testing/scenarios.ts';
import { policy, Site } from '../testing/site.ts';
import { eventsOf } from './events.ts';

const URIS = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };

let site: Site;
let adapter: ScriptedAdapter;
beforeEach(async () => {
  site = new Site();
  adapter = await site.adapter(callsMade('one', 'two', 'three', 'four'));
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

/** A stream that is read event by event. */
async function stream(token: Token = {}, query = '', headers = {}, of = policy()) {
  const response = await (await sender(site, token, of))(`/v1/events${query}`, { headers });
  expect([response.status, response.headers.get('Content-Type')]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
  ]);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  /** The next event that is more than a comment; undefined where the stream has ended. */
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
    /** Events up to the one of that name of that command. */
    async until(cmdId: string, name = 'Ended') {
      const all: Event[] = [];
      for (let event = await next(); event; event = await next()) {
        all.push(event);
        if (event.params['cmd_id'] === cmdId && event.params['event'] === name) return all;
      }
      throw new Error(`the stream has ended before ${cmdId} did`);
    },
    close: () => reader?.cancel(),
  };
}

/** What it is about, in a word or two. */
const short = ({ method, params }: Event) => `${method} ${params['event'] ?? ''}`.trim();
const ids = (events: readonly Event[]) => events.map(({ id }) => id ?? 0);

it('begins with the calls as they stand, then tells commands of all sessions of its subject, and calls', async () => {
  const socket = await site.client({ subject: 'sub:alice', session: 'other' });
  await socket.ask('CallStart', { ...URIS, cmd_id: 'before' });
  await socket.toEnd();
  const events = await stream();
  const opening = await events.next();
  expect(opening).toMatchObject({ method: 'Calls', params: { link: 'Up', calls: [{ callid: 'one' }] } });
  expect(opening?.id).toBe(opening?.params['seq']);

  await socket.ask('CallHold', { callid: 'one', cmd_id: 'held' });
  const told = await events.until('held');
  expect(told.map(short)).toEqual(
    expect.arrayContaining(['CallHold CallHolding', 'Call Held', 'CallHold Ended']),
  );
  expect(ids(told)).toEqual(told.map(({ params }) => params['seq']));
  expect(ids(told)).toEqual(ids(told).toSorted((a, b) => a - b));
  await events.close();
});

it('commands of another subject are not told, and calls only to those who may see them', async () => {
  const [alice, eve] = [await caller(site), await caller(site, { subject: 'sub:eve' })];
  const bound = await stream({ subject: 'sub:eve', caller: 'sip:eve@127.0.0.1' });
  const open = await stream({ subject: 'sub:eve' });
  await alice('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'hers' });
  await alice('GET', '/v1/commands/hers?wait=60');
  await eve('POST', '/v1/rpc', { jsonrpc: '2.0', method: 'Echo', params: { cmd_id: 'mine' } });
  const seen = [await bound.until('mine'), await open.until('mine')];
  expect(seen[0]?.map(short)).toEqual(['Calls', 'Echo Reply', 'Echo Ended']);
  expect(JSON.stringify(seen[0])).not.toContain('alice');
  expect(seen[1]?.map(short)).toContain('Call Answered');
  expect(seen[1]?.map(short)).not.toContain('CallStart Ended');
  for (const each of [bound, open]) await each.close();
});

it('comes back by Last-Event-ID: what was missed, in order, and no more', async () => {
  const ask = await caller(site);
  const whole = await stream();
  const first = await stream();
  await ask('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a' });
  const seen = await first.until('a', 'CallerAnswered');
  await first.close();
  await ask('GET', '/v1/commands/a?wait=60');
  await ask('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'b' });
  await ask('GET', '/v1/commands/b?wait=60');
  const second = await stream({}, '?since=0', { 'Last-Event-ID': String(seen.at(-1)?.id) });
  await ask('POST', '/v1/rpc', { jsonrpc: '2.0', method: 'Echo', params: { cmd_id: 'last' } });
  const missed = await second.until('last');
  const all = await whole.until('last');
  const [begun = 0] = ids(seen);
  expect([...seen, ...missed].filter(({ id = 0 }) => id > begun)).toEqual(
    all.filter(({ id = 0 }) => id > begun),
  );
  for (const each of [second, whole]) await each.close();
});

it('what is told again to another session is not told to a stream again', async () => {
  const ask = await caller(site);
  await ask('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a' });
  await ask('GET', '/v1/commands/a?wait=60');
  const events = await stream();
  const socket = await site.client({ subject: 'sub:alice', session: 'another' });
  await socket.ask('CallStart', { ...URIS, cmd_id: 'a' });
  await socket.toEnd();
  await socket.ask('Echo', { cmd_id: 'z' });
  expect((await events.until('z')).map(short)).toEqual(['Calls', 'Echo Reply', 'Echo Ended']);
  await events.close();
});

it('from before anybody watched: commands are told as far as they are kept, then calls shown whole', async () => {
  const ask = await caller(site);
  await ask('POST', '/v1/calls', URIS, { 'Idempotency-Key': 'a' });
  await ask('GET', '/v1/commands/a?wait=60');
  await ask('POST', '/v1/calls/one/hold', undefined, { 'Idempotency-Key': 'h' });
  await ask('GET', '/v1/commands/h?wait=60');
  const events = await stream({}, '?since=0');
  const told = [...(await events.until('a')), ...(await events.until('h'))];
  expect(new Set(told.map(({ method }) => method))).toEqual(new Set(['CallStart', 'CallHold']));
  const whole = await events.next();
  expect(whole).toMatchObject({
    method: 'Calls',
    params: { reset: true, calls: [{ callid: 'one', state: 'held' }] },
  });
  expect(whole?.id).toBeGreaterThan(told.at(-1)?.id ?? 0);
  await events.close();
});

it('what is no longer kept is said to be so', async () => {
  const events = await stream({}, '?since=999999');
  expect(await events.next()).toEqual({
    ...{ jsonrpc: '2.0', method: 'SessionReset', params: { since: 999_999 } },
  });
  expect(await events.next()).toMatchObject({ method: 'Calls', params: { reset: true, calls: [] } });
  await events.close();
});

it('goes on through sleeps of the object, and who waits is told the end', async () => {
  const ask = await caller(site);
  const events = await stream();
  await events.next();
  const told: Event[] = [];
  for (const cmdId of ['a', 'b']) {
    const isAwaited = () =>
      runInDurableObject(site.object, (_, ctx) => ctx.getWebSockets(`waits:${cmdId}:sub:alice`).length > 0);
    adapter.between = async () => {
      while (!(await isAwaited())) await new Promise((resume) => setTimeout(resume, 10));
      adapter.between = async () => {};
      await evictDurableObject(site.object);
    };
    await ask('POST', '/v1/calls', URIS, { 'Idempotency-Key': cmdId });
    const waiting = ask('GET', `/v1/commands/${cmdId}?wait=60`);
    told.push(...(await events.until(cmdId)));
    expect((await waiting).body).toMatchObject({ state: 'ended' });
    await evictDurableObject(site.object);
  }
  expect(told.filter(({ params }) => params['event'] === 'CalleeAnswered')).toHaveLength(2);
  expect(ids(told)).toEqual([...new Set(ids(told))].toSorted((a, b) => a - b));
  await events.close();
});

it('ends with its token and with its key', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Math.ceil(Date.now() / 1_000) * 1_000 });
  const brief = await stream({ expires: Date.now() + 60_000 });
  const lasting = await stream({ subject: 'sub:bob', expires: Date.now() + 3_600_000 });
  for (const each of [brief, lasting]) expect(await each.next()).toMatchObject({ method: 'Calls' });
  vi.setSystemTime(Date.now() + 60_000);
  await runDurableObjectAlarm(site.object);
  expect(await brief.next()).toBeUndefined();
  const ask = await caller(site, { subject: 'sub:bob' });
  await ask('POST', '/v1/rpc', { jsonrpc: '2.0', method: 'Echo', params: { cmd_id: 'still' } });
  await lasting.until('still');
  await site.object.revoke('k1');
  expect(await lasting.next()).toBeUndefined();
});

it('sockets of streams count as any: who has too many gets no more until one has gone', async () => {
  const of = policy({ sessions_per_subject: 1 });
  const ask = await caller(site, {}, of);
  const events = await stream({}, '', {}, of);
  const refused = await ask('GET', '/v1/events');
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '5']);
  await events.close();
  let response = await (await sender(site, {}, of))('/v1/events');
  while (response.status !== 200) response = await (await sender(site, {}, of))('/v1/events');
  await response.body?.cancel();
});

it('a frame of several notifications is an event for each', () => {
  const notice = (seq?: number) => ({
    jsonrpc: '2.0',
    method: 'Call',
    params: seq === undefined ? {} : { seq },
  });
  expect(eventsOf(JSON.stringify([notice(1), notice(2)]))).toBe(
    `id: 1\ndata: ${JSON.stringify(notice(1))}\n\nid: 2\ndata: ${JSON.stringify(notice(2))}\n\n`,
  );
  expect(eventsOf(JSON.stringify(notice()))).toBe(`data: ${JSON.stringify(notice())}\n\n`);
});
