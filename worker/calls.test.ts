/** Calls that were made here and stand: whose they are, and that none is counted for ever. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, expect, it, vi } from 'vitest';
import type { Command, Told } from '../shared/runner.ts';
import { Calls, ownerOfBegun, SURVEY_MS } from './calls.ts';
import { callsMade, dialog, script } from './testing/scenarios.ts';
import { Site } from './testing/site.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const gone = { error: { code: 404, message: 'Requested Dialog not found' } };
/** Where the adapter's numbers go on: beyond whatever it has said before. */
const LATER = 10_000;
afterEach(() => void vi.useRealTimers());

const stored = (site: Site) =>
  runInDurableObject(site.object, (_, { storage }) =>
    storage.sql
      .exec<{ callid: string; owner: string }>('SELECT callid, owner FROM calls ORDER BY callid')
      .toArray(),
  );

/** A site where `key-1` has made these calls, and everybody has left. */
async function withCalls(...names: string[]): Promise<{ site: Site; stream: string }> {
  const site = new Site();
  const stream = crypto.randomUUID();
  const adapter = await site.adapter(callsMade(...names), { stream });
  const client = await site.client();
  for (const _ of names) {
    await client.ask('CallStart', uris);
    await client.toEnd();
  }
  client.socket.close();
  adapter.close();
  await expect.poll(async () => (await site.object.health()).link.connected).toBe(false);
  return { site, stream };
}

const told = (event: string, callid: string): Told => ({ seq: 1, event, data: { callid } });
const command = (more: Partial<Command> = {}) => ({ subject: 'me', told: [], ...more }) as unknown as Command;

it('stands from its answer to the end of its dialog, at a row each, and whose it is survives a sleep', () =>
  runInDurableObject(new Site().object, (_, { storage: { sql } }) => {
    const changes = () => sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n;
    const calls = new Calls(sql);
    const before = changes();
    calls.told(command(), told('TransferStart', 'c1'), 1);
    expect(calls).toMatchObject({ size: 0, changed: false });
    calls.told(command(), told('CalleeAnswered', 'c1'), 1);
    calls.told(command({ owner: 'you' }), told('TransferSuccessful', 'c2'), 2);
    expect(calls).toMatchObject({ size: 2, changed: true, surveyDue: 1 + SURVEY_MS });
    calls.write();
    expect(changes() - before).toBe(2);
    const later = new Calls(sql);
    expect([later.ownerOf('c1'), later.ownerOf('c2'), later.ownerOf('c3')]).toEqual(['me', 'you', undefined]);
    later.event(dialog('c1', 3, 4));
    later.event(dialog('c3', 4, 5));
    expect(later).toMatchObject({ size: 2, changed: false });
    later.event(dialog('c1', 4, 5));
    later.write();
    expect(changes() - before).toBe(3);
    expect(later).toMatchObject({ size: 1, surveyDue: 2 + SURVEY_MS });
    expect([...new Calls(sql).callids]).toEqual(['c2']);
  }));

it('one that ends in the turn that it came about in leaves nothing', () =>
  runInDurableObject(new Site().object, (_, { storage: { sql } }) => {
    const calls = new Calls(sql);
    calls.told(command(), told('CalleeAnswered', 'c1'), 1);
    calls.event(dialog('c1', 4, 5));
    calls.write();
    expect(calls).toMatchObject({ size: 0, changed: false, surveyDue: Number.POSITIVE_INFINITY });
    expect(new Calls(sql).size).toBe(0);
  }));

it('a call that is being made is whose command told of it', () => {
  const begun = command({ told: [told('TransferStart', 'c1')] });
  expect(ownerOfBegun('c1', [command(), begun])).toBe('me');
  expect(ownerOfBegun('c1', [command({ ...begun, owner: 'you' })])).toBe('you');
  expect(ownerOfBegun('c2', [begun])).toBeUndefined();
});

it('is stored when it is answered and deleted when OpenSIPS says that it has ended', async () => {
  const { site, stream } = await withCalls('one', 'two');
  expect(await stored(site)).toEqual([
    { callid: 'one', owner: 'key:key-1' },
    { callid: 'two', owner: 'key:key-1' },
  ]);
  const adapter = await site.adapter(script({}), { stream, base: LATER });
  await adapter.raise(dialog('stranger', 4, 5));
  await adapter.raise(dialog('one', 4, 5));
  await expect.poll(() => stored(site)).toEqual([{ callid: 'two', owner: 'key:key-1' }]);
  adapter.close();
});

it('what ended while another process of the adapter started is found out, through a sleep', async () => {
  const { site } = await withCalls('one', 'two', 'three');
  await evictDurableObject(site.object);
  const adapter = await site.adapter(
    script({
      dlg_list: (callid) => {
        if (callid === 'one') return gone;
        if (callid === 'two') return { outcome: 'timeout' };
        const Dialog = { ID: 'x', state: 5, timestart: 1, callid, from_uri: 'sip:a@b', to_uri: 'sip:b@a' };
        return { reply: { Dialog } };
      },
    }),
  );
  await expect.poll(() => stored(site)).toEqual([{ callid: 'two', owner: 'key:key-1' }]);
  expect(adapter.surveyed.map(({ method, params }) => [method, params['callid']])).toEqual([
    ['dlg_list', 'one'],
    ['dlg_list', 'two'],
    ['dlg_list', 'three'],
  ]);
  adapter.close();
});

it('after a gap each is asked for, a few at a time, and those that stand remain', async () => {
  const names = Array.from({ length: 40 }, (_, n) => `call-${n}`);
  const { site, stream } = await withCalls(...names);
  const left = new Set(names.slice(0, 3));
  const adapter = await site.adapter(
    script({
      dlg_list: (callid) => (left.has(callid) ? { reply: 'not understood' } : gone),
    }),
    { stream, base: LATER },
  );
  expect(adapter.surveyed).toEqual([]);
  await adapter.gap();
  await expect.poll(async () => (await stored(site)).length).toBe(3);
  expect(adapter.surveyed).toHaveLength(40);
  expect(new Set(adapter.surveyed.map(({ id }) => id)).size).toBe(40);
  adapter.close();
});

it('one that stands for an hour is asked for by the alarm, once an hour', async () => {
  const { site, stream } = await withCalls('one');
  let ended = false;
  let base = LATER;
  /** Time passes, the adapter's socket of then is dead, and the alarm runs. Gives what was asked on the next one. */
  const surveyedAfter = async (ms: number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
    base += 100;
    const beats = script({ dlg_list: () => (ended ? gone : { reply: 'not understood' }) });
    const adapter = await site.adapter(beats, { stream, base });
    await runDurableObjectAlarm(site.object);
    // What was asked came before the answer to this.
    const client = await site.client();
    await client.ask('CallHold', { callid: 'x' });
    await client.socket.next();
    adapter.close();
    return adapter.surveyed.length;
  };
  expect(await surveyedAfter(SURVEY_MS - 60_000)).toBe(0);
  expect(await surveyedAfter(60_000)).toBe(1);
  await evictDurableObject(site.object);
  expect(await surveyedAfter(SURVEY_MS - 60_000)).toBe(0);
  ended = true;
  expect(await surveyedAfter(60_000)).toBe(1);
  await expect.poll(() => stored(site)).toEqual([]);
});
