/** Calls in memory and in their log: what is kept, what it costs, and what is found again after a sleep. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import type { Command, Told } from '../shared/stored-command.ts';
import { ENDED_KEPT } from './calls/roster.ts';
import { LOOKS_MS, ROUND_MS, SURVEY_MS } from './calls/rounds.ts';
import { Calls } from './calls.ts';
import { Store } from './store.ts';
import type { Answer, Client } from './testing/client.ts';
import { callsMade, dialog, held, script } from './testing/scenarios.ts';
import { Site } from './testing/site.ts';

const uris = { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' };
const gone = { error: { code: 404, message: 'Requested Dialog not found' } };
afterEach(() => void vi.useRealTimers());

interface Seen {
  readonly callid: string;
  readonly state: string;
  readonly seq: number;
  readonly metadata?: object;
}

/** The result of what was asked. */
async function result<T>(answer: Promise<Answer>): Promise<T> {
  const { result: given, error } = (await answer) as unknown as { result?: T; error?: unknown };
  if (given === undefined) throw new Error(JSON.stringify(error));
  return given;
}

const list = async (client: Client, params: object = {}) =>
  (await result<{ calls: Seen[] }>(client.ask('CallList', params))).calls;

/** Calls over a storage of their own; `write` gives the rows that it took. */
function kept(
  play: (stage: { calls: Calls; again: () => Calls; rows: () => number }) => void,
): Promise<void> {
  return runInDurableObject(new Site().object, (_, { storage: { sql } }) => {
    let next = 1;
    const store = new Store(sql);
    const open = () => new Calls(store, () => next++);
    const rows = () =>
      sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${store.segments.kept ? 'calls_1' : ''}`).one().n;
    play({ calls: open(), again: open, rows });
  });
}

const told = (event: string, callid: string): Told => ({ seq: 1, event, data: { callid } });
const command = (more: Partial<Command> = {}) =>
  ({
    method: 'CallStart',
    cmdId: 'a',
    params: uris,
    subject: 'me',
    told: [],
    calls: ['leg'],
    ...more,
  }) as unknown as Command;

it('a call that nobody watches and no command made takes two rows: its first sight and its end', () =>
  kept(({ calls, rows, again }) => {
    for (const [from, to] of [
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ] as const) {
      calls.event(dialog('c1', from, to), 1_000 * to);
      if (calls.changed) calls.write(0, 1);
    }
    expect(rows()).toBe(2);
    const found = again().get('c1');
    expect(found?.call).toMatchObject({ state: 'ended', began: 2_000, answered: 3_000, ended: 5_000 });
    expect(found?.timeline.map(({ event }) => event)).toEqual(['Ringing', 'Answered', 'Ended']);
  }));

it('while somebody watches each change is kept, all of a turn in one row, and can be told again', () =>
  kept(({ calls, rows, again }) => {
    calls.watched(true, 0);
    calls.event(dialog('c1', 1, 2), 1);
    calls.event(dialog('c1', 2, 3), 2);
    calls.event(held('c1', 'caller', 'ok'), 3);
    const before = calls.takeNews();
    calls.write(0, 3);
    expect(rows()).toBe(1);
    expect(again().missed(0)).toEqual(before);
    expect(again().missed(before[0]?.seq ?? 0)).toEqual(before.slice(1));
  }));

it('who has been away while changes were not kept is told so, also after a sleep', () =>
  kept(({ calls, again }) => {
    calls.event(dialog('c1', 1, 2), 1);
    calls.write(0, 1);
    const since = calls.get('c1')?.call.seq ?? 0;
    expect(calls.missed(since)).toEqual([]);
    calls.event(dialog('c1', 2, 3), 2);
    expect(calls.missed(since)).toBeUndefined();
    calls.event(dialog('c1', 4, 5), 3);
    calls.write(0, 3);
    expect(again().missed(since)).toBeUndefined();
    expect(again().missed(calls.get('c1')?.call.seq ?? 0)).toEqual([]);
  }));

it('counts those that stand for commands, from their answers on, and knows whose they are', () =>
  kept(({ calls, again }) => {
    calls.begun(command(), 1);
    calls.event(dialog('leg', 1, 2), 1);
    calls.event(dialog('leg', 2, 3), 1);
    expect(calls).toMatchObject({ size: 0, standing: 1 });
    calls.told(command(), told('TransferStart', 'c1'), 1);
    expect(calls.ownerOf('c1')).toBe('me');
    expect(calls.size).toBe(0);
    calls.told(command(), told('CalleeAnswered', 'c1'), 1);
    calls.told(command({ owner: 'you', calls: ['c1'] }), told('TransferSuccessful', 'c2'), 2);
    calls.write(0, 2);
    const later = again();
    expect(later.size).toBe(2);
    expect([later.ownerOf('c1'), later.ownerOf('c2'), later.ownerOf('c3')]).toEqual(['me', 'you', undefined]);
    later.event(dialog('c1', 4, 5), 3);
    expect([later.size, later.ownerOf('c1')]).toEqual([1, undefined]);
  }));

it('those that have ended are kept up to their number, those that stand all', () =>
  kept(({ calls }) => {
    calls.event(dialog('stands', 1, 2), 1);
    for (let n = 0; n < ENDED_KEPT * 1.2; n++) calls.event(dialog(`c${n}`, 1, 5), 2);
    expect(calls.get('c0')).toBeUndefined();
    expect(calls.get('stands')).toBeDefined();
    expect(calls.list({}, ENDED_KEPT * 2).calls.length).toBeLessThanOrEqual(ENDED_KEPT * 1.1 + 1);
  }));

it('what stands longer than the log is kept is carried over with its timeline', () =>
  runInDurableObject(new Site().object, (_, { storage: { sql } }) => {
    let next = 1;
    const number = () => next++;
    const store = new Store(sql, { segmentMs: 10, segmentSpan: 1_000, segments: 2, keptMs: 20 });
    const calls = new Calls(store, number);
    calls.event(dialog('long', 1, 2), 1);
    calls.event(dialog('short', 1, 2), 1);
    calls.event(dialog('short', 2, 5), 2);
    calls.write(0, 0);
    calls.event(dialog('long', 2, 3), 3);
    for (let now = 15; now < 200; now += 15) store.segments.trim(now, Number.POSITIVE_INFINITY);
    const later = new Calls(store, number);
    expect(later.get('short')).toBeUndefined();
    expect(later.get('long')?.call.state).toBe('answered');
    expect(later.get('long')?.timeline.map(({ event }) => event)).toEqual(['Ringing', 'Answered']);
  }));

it('waking up reads what stands and what came last, however much has ended and however long it stands', () =>
  runInDurableObject(new Site().object, (_, { storage: { sql } }) => {
    let next = 1;
    const store = new Store(sql);
    const open = () => new Calls(store, () => next++);
    const calls = open();
    calls.event(dialog('long', 1, 2), 1);
    for (let n = 0; n < 5_000; n++) {
      calls.event(dialog(`c${n}`, 1, 2), 2);
      calls.event(dialog(`c${n}`, 2, 5), 3);
      calls.write(0, 3);
    }
    calls.watched(true, 4);
    calls.event(dialog('long', 2, 3), 4);
    calls.write(0, 4);
    let rows = 0;
    const read = vi.spyOn(store, 'callsFrom').mockImplementation(function* (position) {
      for (const row of Store.prototype.callsFrom.call(store, position)) {
        rows++;
        yield row;
      }
    });
    const later = open();
    expect(rows).toBeLessThan(1_500);
    expect(later.get('long')?.timeline.map(({ event }) => event)).toEqual(['Ringing', 'Answered']);
    expect(later.standing).toBe(1);
    expect(later.get('c0')).toBeUndefined();
    expect(later.list({ states: ['answered'] }, 9).calls.map(({ callid }) => callid)).toEqual(['long']);
    expect(rows).toBeLessThan(1_500);
    expect(later.find('c0')?.timeline.map(({ event }) => event)).toEqual(['Ringing', 'Ended']);
    expect(later.list({}, 10_000)).toEqual(calls.list({}, 10_000));
    const all = rows;
    expect(later.find('nobody')).toBeUndefined();
    expect(rows).toBe(all);
    read.mockRestore();
  }));

it('what is read after a sleep when it is asked for is what reading all of it would have given', async () => {
  const step = fc.tuple(
    fc.constantFrom('ring', 'answer', 'hold', 'resume', 'end', 'write', 'sleep', 'watch', 'leave'),
    fc.integer({ min: 0, max: 5 }).map(String),
  );
  const steps = fc.array(step, { minLength: 20, maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 0, max: 40 }), (plan, reach) =>
      runInDurableObject(new Site().object, (_, { storage: { sql } }) => {
        let next = 1;
        const store = new Store(sql);
        const open = () => new Calls(store, () => next++, reach);
        const openReadingAll = () => {
          const blind = vi.spyOn(store, 'lastCalls').mockReturnValue(undefined);
          const calls = open();
          blind.mockRestore();
          return calls;
        };
        let calls = open();
        // One that has ended is not heard of again.
        const ended = new Map<string, number>();
        for (const [at, [does, line]] of plan.entries()) {
          const callid = `${line}.${ended.get(line) ?? 0}`;
          if (does === 'ring') calls.event(dialog(callid, 1, 2), at);
          if (does === 'answer') calls.event(dialog(callid, 2, 3), at);
          if (does === 'hold' || does === 'resume')
            calls.event(held(callid, 'caller', 'ok', does === 'hold' ? 'hold' : 'unhold'), at);
          if (does === 'end') calls.event(dialog(callid, 4, 5), at);
          if (does === 'end') ended.set(line, 1 + (ended.get(line) ?? 0));
          if (does === 'watch' || does === 'leave') calls.watched(does === 'watch', at);
          if (does === 'write' || does === 'sleep') calls.write(0, at);
          if (does !== 'sleep') continue;
          const all = openReadingAll();
          calls = open();
          const standing = (of: Calls) => of.list({ states: ['ringing', 'answered', 'held'] }, 99).calls;
          expect(standing(calls)).toEqual(standing(all));
          expect([calls.standing, calls.oldest]).toEqual([all.standing, all.oldest]);
          for (const { callid: each } of standing(all))
            expect(calls.get(each)?.timeline).toEqual(all.get(each)?.timeline);
          // Another one for each: what was asked before may have read what is asked for now.
          for (let since = 0; since < next; since += 7)
            expect(open().missed(since)).toEqual(all.missed(since));
          for (const { callid: each } of all.list({}, 99).calls)
            expect(open().find(each)?.timeline).toEqual(all.find(each)?.timeline);
          expect(open().list({}, 99)).toEqual(all.list({}, 99));
          calls = open();
        }
      }),
    ),
    { numRuns: 40 },
  );
});

it('pages are the newest first, and go on where the one before ended; filters hold for all of them', () =>
  kept(({ calls }) => {
    for (let n = 1; n <= 5; n++) calls.event(dialog(`c${n}`, 1, 2), n);
    calls.event(dialog('c4', 2, 5), 9);
    const first = calls.list({ states: ['ringing'] }, 2);
    expect(first.calls.map(({ callid }) => callid)).toEqual(['c5', 'c3']);
    const second = calls.list({ states: ['ringing'] }, 2, first.cursor);
    expect(second).toMatchObject({ calls: [{ callid: 'c2' }, { callid: 'c1' }] });
    expect(second.cursor).toBeUndefined();
    expect(calls.list({ since: 4 }, 9).calls.map(({ callid }) => callid)).toEqual(['c5', 'c4']);
  }));

it('what ended while another process of the adapter started is found out, through a sleep', async () => {
  const site = new Site();
  const first = await site.adapter(callsMade('one', 'two'));
  const client = await site.client();
  for (let n = 0; n < 2; n++) {
    await client.ask('CallStart', uris);
    await client.toEnd();
  }
  first.close();
  await expect.poll(async () => (await site.object.health()).link.connected).toBe(false);
  await evictDurableObject(site.object);
  const adapter = await site.adapter(
    script({ dlg_list: (callid) => (callid === 'one' ? gone : { outcome: 'timeout' }) }),
  );
  const standing = async () =>
    (await list(client, { state: ['answered', 'ringing'] })).map(({ callid }) => callid);
  await expect.poll(standing).toEqual(['two']);
  const one = await result<{ call: object }>(client.ask('CallGet', { callid: 'one' }));
  expect(one.call).toMatchObject({ state: 'ended', reason: 'OpenSIPS knows it no more' });
  adapter.close();
});

it('a call of which nothing was heard is found, with its parties but without osid', async () => {
  const site = new Site();
  const shown = {
    ID: 'x',
    state: 4,
    timestart: 7,
    callid: 'lost',
    from_uri: 'sip:a@b;osid=1',
    to_uri: 'sip:b@a',
  };
  const adapter = await site.adapter(
    script({ dlg_list: (callid) => (callid === '' ? { reply: { count: 1, Dialogs: [shown] } } : gone) }),
  );
  const client = await site.client();
  await expect
    .poll(() => list(client))
    .toMatchObject([
      { callid: 'lost', state: 'answered', caller: 'sip:a@b', callee: 'sip:b@a', answered: 7_000 },
    ]);
  adapter.close();
});

it('OpenSIPS is asked while somebody looks; when nobody does, once an hour while something stands', async () => {
  const site = new Site();
  const stream = crypto.randomUUID();
  let base = 1;
  /** Time passes, and the alarm runs. Gives how many pages were asked for. */
  const pagesAfter = async (ms: number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
    const adapter = await site.adapter(
      script({
        call_hold: () => gone,
        dlg_list: (callid) => (callid === '' ? { reply: { Dialogs: [] } } : { outcome: 'timeout' }),
      }),
      { stream, base },
    );
    if (base === 1) {
      await adapter.raise(dialog('stands', 1, 2));
      // Who speaks in it is asked for at once.
      await expect.poll(() => adapter.surveyed.length).toBe(1);
    }
    await runDurableObjectAlarm(site.object);
    base += 100;
    // What was asked, and answered, came before the answer to this.
    const client = await site.client();
    const passed = async () => {
      await client.ask('CallHold', { callid: 'x' });
      await client.toEnd();
    };
    await passed();
    const pages = adapter.surveyed.filter(({ params }) => 'index' in params).length;
    const singles = () => adapter.surveyed.filter(({ params }) => 'callid' in params).length;
    if (pages > 0) await expect.poll(singles).toBeGreaterThan(0);
    await passed();
    adapter.close();
    return pages;
  };
  const pages = [await pagesAfter(0), await pagesAfter(SURVEY_MS - 60_000), await pagesAfter(120_000)];
  await evictDurableObject(site.object);
  pages.push(await pagesAfter(SURVEY_MS - 120_000));
  const looking = await site.client();
  await list(looking);
  await evictDurableObject(site.object);
  // After a sleep one is due at once; one that was due while somebody looked is made up for; then none is.
  pages.push(await pagesAfter(1_000), await pagesAfter(ROUND_MS));
  pages.push(await pagesAfter(LOOKS_MS), await pagesAfter(LOOKS_MS));
  expect(pages).toEqual([0, 0, 1, 0, 1, 1, 1, 0]);
});

it('an object that sleeps again before each alarm asks all the same, while somebody watches', async () => {
  const site = new Site();
  const adapter = await site.adapter(
    script({ dlg_list: (callid) => (callid === '' ? { reply: { count: 0, Dialogs: [] } } : gone) }),
  );
  await (await site.client()).ask('CallWatch', {});
  const pages = () => adapter.surveyed.filter(({ params }) => 'index' in params).length;
  await expect.poll(pages).toBe(1);
  // No more of them: by then an adapter that has not pinged is gone.
  for (const rounds of [2, 3]) {
    await evictDurableObject(site.object);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ROUND_MS });
    await runDurableObjectAlarm(site.object);
    await expect.poll(pages).toBe(rounds);
  }
  adapter.close();
});
