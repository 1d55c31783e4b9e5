/** What a restore reads from the log of calls, and what it gives. */
import { runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { DEFAULT_RETENTION } from '../../objects/retention.ts';
import { pagesOf } from '../../testing/list-pages.ts';
import { changesSince } from '../../testing/missed.ts';
import { dialogEvent, holdEvent, transferEvent } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';
import { CommandLog } from '../store/command-log.ts';
import { Calls } from './calls.ts';
import { MEMORY_LIMITS } from './memory-limits.ts';

const RETENTION = {
  ...DEFAULT_RETENTION,
  segmentMs: 10,
  segmentPositions: 1_000,
  maxSegments: 2,
  segmentTtlMs: 20,
};

/** Returns all calls, the newest first. */
const allOf = (calls: Calls) => pagesOf(calls, {}).flatMap((page) => page.calls);

it('keeps an active call and its timeline when their segment is dropped, and forgets an ended call', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const nextSeq = () => ++lastSeq;
    const store = new CommandLog(sql, RETENTION);
    const calls = new Calls(store, nextSeq);
    calls.onEvent(dialogEvent('long', 1, 2), 1);
    calls.onEvent(dialogEvent('short', 1, 2), 1);
    calls.onEvent(dialogEvent('short', 2, 5), 2);
    calls.write(0, 0);
    calls.onEvent(dialogEvent('long', 2, 3), 3);
    for (let now = 15; now < 200; now += 15) store.segments.trim(now, Number.POSITIVE_INFINITY);
    const restored = new Calls(store, nextSeq);
    expect(restored.get('short')).toBeUndefined();
    expect(restored.get('long')?.call.state).toBe('answered');
    expect(restored.get('long')?.timeline.map(({ event }) => event)).toEqual(['Ringing', 'Answered']);
  }));

it('keeps a call whose first line was not written when a segment was dropped', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const nextSeq = () => ++lastSeq;
    const store = new CommandLog(sql, RETENTION);
    const calls = new Calls(store, nextSeq);
    calls.onEvent(dialogEvent('old', 1, 2), 1);
    calls.write(0, 0);
    calls.onEvent(dialogEvent('new', 1, 2), 31);
    store.segments.trim(31, Number.POSITIVE_INFINITY);
    calls.write(0, 31);
    const restored = new Calls(store, nextSeq);
    expect(restored.list({}, 9)).toEqual(calls.list({}, 9));
    expect(restored.activeCount).toBe(2);
  }));

it('copies long calls in portions before their segment is dropped, and loses none', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const nextSeq = () => ++lastSeq;
    const store = new CommandLog(sql, { ...RETENTION, segmentMs: 1_000, segmentTtlMs: 2_000 });
    const onlyInLog = { ...MEMORY_LIMITS, maxOpen: 0, maxText: 0 };
    const calls = new Calls(store, nextSeq, onlyInLog);
    for (let n = 0; n < 250; n++) calls.onEvent(dialogEvent(`call ${n}`, 1, 2), 1);
    calls.write(0, 1);
    const copies: number[] = [];
    let now = 3_001;
    while (store.segments.firstKept <= 250 && copies.length < 10) {
      const before = lastSeq;
      store.segments.trim(now, Number.POSITIVE_INFINITY);
      copies.push(lastSeq - before);
      now = store.segments.due;
    }
    expect(copies).toEqual([100, 100, 50]);
    const restored = new Calls(store, nextSeq, onlyInLog);
    expect(restored.activeCount).toBe(250);
    for (const each of allOf(restored)) expect(each.state).toBe('ringing');
  }));

it('finds a call whose row is in a later segment than its number, because the turn opened several', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const nextSeq = () => ++lastSeq;
    const store = new CommandLog(sql, { ...RETENTION, segmentPositions: 1, maxSegments: 5 });
    const onlyInLog = { ...MEMORY_LIMITS, maxOpen: 0, maxText: 0 };
    const calls = new Calls(store, nextSeq, onlyInLog);
    calls.onEvent(dialogEvent('first', 1, 2), 1);
    calls.write(0, 1);
    calls.onEvent(dialogEvent('long', 1, 2), 1);
    for (let n = 0; n < 4; n++) {
      const row = { position: nextSeq(), commands: [], restoreFrom: lastSeq, applied: [], at: 1 };
      store.append(row, 1);
    }
    calls.write(0, 1);
    for (const each of [calls, new Calls(store, nextSeq, onlyInLog)])
      expect(each.get('long')?.call.state).toBe('ringing');
    // The call is copied before its row is dropped.
    for (let now = 15; now < 200; now += 15) store.segments.trim(now, Number.POSITIVE_INFINITY);
    expect(new Calls(store, nextSeq, onlyInLog).get('long')?.call.state).toBe('ringing');
  }));

it('finds a call whose row is in an earlier segment than those that begin at lower numbers', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const nextSeq = () => ++lastSeq;
    const store = new CommandLog(sql, { ...RETENTION, maxSegments: 5 });
    const calls = new Calls(store, nextSeq, { ...MEMORY_LIMITS, maxOpen: 0, maxText: 0 });
    // Rows of commands, numbered before the copies of calls that are written first.
    const positions = [nextSeq(), nextSeq(), nextSeq()];
    calls.onEvent(dialogEvent('long', 1, 2), 1);
    calls.write(0, 1);
    for (const [n, position] of positions.entries())
      store.append({ position, commands: [], restoreFrom: 1, applied: [], at: 1 }, 10 * (n + 1));
    const firsts = [...store.segments].map(({ first }) => first);
    expect(firsts.at(-1)).toBeLessThan(firsts[0] ?? 0);
    expect(calls.get('long')?.call.state).toBe('ringing');
  }));

it('writes the changes of calls with long Call-IDs in several rows, because a row can have 2 MB', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const store = new CommandLog(sql);
    const restore = () => new Calls(store, () => ++lastSeq);
    const calls = restore();
    calls.setWatched(true, 0);
    const callids = Array.from({ length: 400 }, (_each, n) => `${n}`.padStart(4_096, 'x'));
    calls.onEvent(dialogEvent(callids[0] ?? '', 2, 3), 1);
    for (const [n, callid] of callids.slice(1).entries())
      calls.onEvent(transferEvent(callids[n] ?? '', 'start', '', callid), 1);
    expect(calls.write(0, 1)).toBeGreaterThan(4);
    expect(allOf(restore())).toEqual(allOf(calls));
  }));

it('has in no checkpoint what ended before the segments that are kept', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const store = new CommandLog(sql, RETENTION);
    const calls = new Calls(store, () => ++lastSeq, { ...MEMORY_LIMITS, minTail: 0 });
    const stored = () => store.checkpoint.read().rows.join();
    calls.onEvent(dialogEvent('long', 1, 2), 1);
    calls.onEvent(dialogEvent('secret', 1, 2), 1);
    calls.write(0, 0);
    expect(stored()).toContain('secret');
    // Nothing is written after the end until the segments are dropped.
    calls.onEvent(dialogEvent('secret', 2, 5), 2);
    for (let now = 15; now < 200; now += 15) store.segments.trim(now, Number.POSITIVE_INFINITY);
    expect(stored()).not.toContain('secret');
    const restored = new Calls(store, () => ++lastSeq);
    expect(restored.list({}, 9).calls.map(({ callid }) => callid)).toEqual(['long']);
    expect(sql.exec<{ count: number }>('SELECT count(*) AS count FROM segments').one().count).toBe(0);
  }));

it('reads only the checkpoint and the log after it, and of the ended calls those that are requested', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const store = new CommandLog(sql);
    const restore = () => new Calls(store, () => ++lastSeq);
    const calls = restore();
    calls.onEvent(dialogEvent('long', 1, 2), 1);
    for (let n = 0; n < 5_000; n++) {
      calls.onEvent(dialogEvent(`c${n}`, 1, 2), 2);
      calls.onEvent(dialogEvent(`c${n}`, 2, 5), 3);
      calls.write(0, 3);
    }
    calls.setWatched(true, 4);
    calls.onEvent(dialogEvent('long', 2, 3), 4);
    calls.write(0, 4);
    let charactersRead = 0;
    const callsFrom = vi.spyOn(store, 'callsFrom').mockImplementation(function* (position) {
      for (const stored of CommandLog.prototype.callsFrom.call(store, position)) {
        charactersRead += stored.row.length;
        yield stored;
      }
    });
    const rowsRead = vi.spyOn(store, 'callsAt');
    const restored = restore();
    expect(charactersRead).toBeLessThan(300_000);
    expect(restored.get('long')?.timeline.map(({ event }) => event)).toEqual(['Ringing', 'Answered']);
    expect(restored.activeCount).toBe(1);
    expect(restored.list({ states: ['answered'] }, 9).calls.map(({ callid }) => callid)).toEqual(['long']);
    expect(restored.get('no-such-call')).toBeUndefined();
    expect(rowsRead).not.toHaveBeenCalled();
    expect(restored.get('c0')?.timeline.map(({ event }) => event)).toEqual(['Ringing', 'Ended']);
    expect(rowsRead).toHaveBeenCalledOnce();
    expect(allOf(restored)).toEqual(allOf(calls));
    expect(callsFrom).toHaveBeenCalledOnce();
  }));

it('writes checkpoints in rows below 1 MB, with at most twice the characters of the log', () =>
  runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const store = new CommandLog(sql);
    const calls = new Calls(store, () => ++lastSeq);
    let checkpointCharacters = 0;
    const write = store.checkpoint.write.bind(store.checkpoint);
    vi.spyOn(store.checkpoint, 'write').mockImplementation((checkpoint) => {
      for (const { length } of checkpoint.rows) checkpointCharacters += length;
      write(checkpoint);
    });
    for (let n = 0; n < 4_000; n++) {
      // The longest Call-IDs have 4,096 bytes.
      calls.onEvent(dialogEvent(`${n}`.padStart(n % 10 === 0 ? 1_365 : 20, '\u20ac'), 1, 2), 2);
      if (n % 10 === 9) calls.write(0, 3);
    }
    const { bytes, longest } = sql
      .exec<{ bytes: number; longest: number }>(
        'SELECT sum(octet_length(row)) AS bytes, max(octet_length(row)) AS longest FROM checkpoint',
      )
      .one();
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(longest).toBeLessThan(1_000_000);
    const { written } = sql
      .exec<{ written: number }>('SELECT sum(length(row)) AS written FROM calls_1')
      .one();
    expect(checkpointCharacters).toBeLessThan(2 * written);
  }));

it('gives the same calls and changes with checkpoints as after a read of the whole log', async () => {
  const step = fc.tuple(
    fc.constantFrom('ring', 'answer', 'hold', 'unhold', 'end', 'write', 'hibernate', 'watch', 'unwatch'),
    fc.integer({ min: 0, max: 5 }).map(String),
    fc.integer({ min: 0, max: 1 }),
  );
  const steps = fc.array(step, { minLength: 20, maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(steps, fc.nat({ max: 8_000 }), (plan, minTail) =>
      runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
        let lastSeq = 0;
        const store = new CommandLog(sql);
        const restore = () => new Calls(store, () => ++lastSeq, { ...MEMORY_LIMITS, minTail });
        const restoreFromWholeLog = () => {
          const checkpoint = vi.spyOn(store.checkpoint, 'read').mockReturnValue({ position: 0, rows: [] });
          const restored = restore();
          checkpoint.mockRestore();
          return restored;
        };
        const activeIn = (from: Calls) => from.list({ states: ['ringing', 'answered', 'held'] }, 99).calls;
        /** The active calls, and which of their dialogs have ended. */
        const dialogsIn = (from: Calls) =>
          activeIn(from).map(({ callid }) => [
            callid,
            from.get(callid)?.dialogs.map(([id, state]) => [id, state === 5]),
          ]);
        let calls = restore();
        // Two dialogs at a time have the Call-ID. OpenSIPS raises no more events for one that has ended, so the next one begins.
        const dialogs = new Map<string, number[]>();
        for (const [at, [action, callid, index]] of plan.entries()) {
          const numbers = dialogs.get(callid) ?? [0, 1];
          dialogs.set(callid, numbers);
          const id = `${callid}.${numbers[index]}`;
          if (action === 'ring') calls.onEvent(dialogEvent(callid, 1, 2, id), at);
          if (action === 'answer') calls.onEvent(dialogEvent(callid, 2, 3, id), at);
          if (action === 'hold' || action === 'unhold')
            calls.onEvent(holdEvent(callid, 'caller', 'ok', action), at);
          if (action === 'end') {
            calls.onEvent(dialogEvent(callid, 4, 5, id), at);
            numbers[index] = Math.max(...numbers) + 1;
          }
          if (action === 'watch' || action === 'unwatch') calls.setWatched(action === 'watch', at);
          if (action === 'write' || action === 'hibernate') calls.write(0, at);
          if (action !== 'hibernate') continue;
          const expected = restoreFromWholeLog();
          const dialogsBefore = dialogsIn(calls);
          calls = restore();
          expect(dialogsIn(calls)).toEqual(dialogsBefore);
          expect(activeIn(calls)).toEqual(activeIn(expected));
          expect([calls.activeCount, calls.oldestBegan]).toEqual([
            expected.activeCount,
            expected.oldestBegan,
          ]);
          for (const { callid: each } of activeIn(expected))
            expect(calls.get(each)?.timeline).toEqual(expected.get(each)?.timeline);
          for (let since = 0; since <= lastSeq; since += 7)
            expect(changesSince(restore(), store, since)).toEqual(changesSince(expected, store, since));
          for (const { callid: each } of expected.list({}, 99).calls)
            expect(restore().get(each)?.timeline).toEqual(expected.get(each)?.timeline);
          expect(restore().list({}, 99)).toEqual(expected.list({}, 99));
          calls = restore();
        }
      }),
    ),
    { numRuns: 40 },
  );
});
