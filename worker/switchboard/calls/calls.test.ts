/** Which changes of calls are logged, and which calls are kept, counted and listed. */
import { runInDurableObject } from 'cloudflare:test';
import { expect, it, vi } from 'vitest';
import type { Command, Notification } from '../../../shared/runner/stored-command.ts';
import { pagesOf } from '../../testing/list-pages.ts';
import { changesSince } from '../../testing/missed.ts';
import { dialogEvent, holdEvent } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';
import { CommandLog } from '../store/command-log.ts';
import { Calls } from './calls.ts';
import { MAX_ENDED } from './ended-calls.ts';
import { MEMORY_LIMITS } from './memory-limits.ts';

interface CallsFixture {
  readonly calls: Calls;
  /** Restores the calls from the log, as after a hibernation. */
  readonly restore: () => Calls;
  /** Returns how many rows the log of calls has. */
  readonly countRows: () => number;
  readonly changesSince: (calls: Calls, seq: number) => ReturnType<typeof changesSince>;
}

/** Runs a test with the calls of a new site. */
function withCalls(test: (fixture: CallsFixture) => void): Promise<void> {
  return runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const store = new CommandLog(sql);
    const restore = () => new Calls(store, () => ++lastSeq);
    const countRows = () => sql.exec<{ n: number }>('SELECT count(*) AS n FROM calls_1').one().n;
    const since = (restored: Calls, seq: number) => changesSince(restored, store, seq);
    test({ calls: restore(), restore, countRows, changesSince: since });
  });
}

const notification = (event: string, callid: string): Notification => ({ seq: 1, event, data: { callid } });
const command = (changes: Partial<Command> = {}) =>
  ({
    method: 'CallStart',
    cmdId: 'a',
    params: { caller: 'sip:alice@127.0.0.1', callee: 'sip:bob@127.0.0.1' },
    subject: 'me',
    notifications: [],
    callids: ['leg'],
    ...changes,
  }) as unknown as Command;

it('writes two rows for a call that nobody watches and no command has made: its first sight and its end', () =>
  withCalls(({ calls, restore, countRows }) => {
    for (const [oldState, newState] of [
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ] as const) {
      calls.onEvent(dialogEvent('c1', oldState, newState), 1_000 * newState);
      if (calls.hasUnwritten) calls.write(0, 1);
    }
    expect(countRows()).toBe(2);
    const restored = restore().get('c1');
    expect(restored?.call).toMatchObject({ state: 'ended', began: 2_000, answered: 3_000, ended: 5_000 });
    expect(restored?.timeline.map(({ event }) => event)).toEqual(['Ringing', 'Answered', 'Ended']);
  }));

it('knows after a hibernation which legs are on hold, although nobody watches', () =>
  withCalls(({ calls, restore, countRows }) => {
    calls.onEvent(dialogEvent('c1', 2, 3), 1);
    calls.write(0, 1);
    const hold = command({ method: 'CallHold', params: { callid: 'c1' }, callids: ['c1'] });
    const onLeg = (event: string, leg: string) =>
      calls.onNotification(hold, { seq: 1, event, data: { leg } }, 2);
    onLeg('CallHoldSuccessful', 'caller');
    onLeg('CallHoldSuccessful', 'callee');
    calls.write(0, 2);
    expect(restore().heldLegs('c1')).toEqual(['callee', 'caller']);
    onLeg('CallUnholdSuccessful', 'callee');
    calls.write(0, 3);
    expect(restore().heldLegs('c1')).toEqual(['caller']);
    expect(countRows()).toBe(3);
  }));

it('logs every change while calls are watched, those of a turn in one row, and can return them again', () =>
  withCalls(({ calls, restore, countRows, changesSince }) => {
    calls.setWatched(true, 0);
    calls.onEvent(dialogEvent('c1', 1, 2), 1);
    calls.onEvent(dialogEvent('c1', 2, 3), 2);
    calls.onEvent(holdEvent('c1', 'caller', 'ok'), 3);
    const changes = calls.takeChanges();
    calls.write(0, 3);
    expect(countRows()).toBe(1);
    expect(changesSince(restore(), 0)).toEqual(changes);
    expect(changesSince(restore(), changes[0]?.seq ?? 0)).toEqual(changes.slice(1));
  }));

it('returns no changes since a number after which one was not logged, after a hibernation too', () =>
  withCalls(({ calls, restore, changesSince }) => {
    calls.onEvent(dialogEvent('c1', 1, 2), 1);
    calls.write(0, 1);
    const since = calls.get('c1')?.call.seq ?? 0;
    expect(changesSince(calls, since)).toEqual([]);
    calls.onEvent(dialogEvent('c1', 2, 3), 2);
    expect(changesSince(calls, since)).toBeUndefined();
    calls.onEvent(dialogEvent('c1', 4, 5), 3);
    calls.write(0, 3);
    expect(changesSince(restore(), since)).toBeUndefined();
    expect(changesSince(restore(), calls.get('c1')?.call.seq ?? 0)).toEqual([]);
  }));

it('counts the calls of commands from their answer to their end, and knows their owners meanwhile', () =>
  withCalls(({ calls, restore }) => {
    calls.onCommandStarted(command(), 1);
    calls.onEvent(dialogEvent('leg', 1, 2), 1);
    calls.onEvent(dialogEvent('leg', 2, 3), 1);
    expect(calls).toMatchObject({ countedSize: 0, activeCount: 1 });
    calls.onNotification(command(), notification('TransferStart', 'c1'), 1);
    expect(calls.ownerOf('c1')).toBe('me');
    expect(calls.countedSize).toBe(0);
    calls.onNotification(command(), notification('CalleeAnswered', 'c1'), 1);
    const transfer = command({ owner: 'you', callids: ['c1'] });
    calls.onNotification(transfer, notification('TransferSuccessful', 'c2'), 2);
    calls.write(0, 2);
    const restored = restore();
    expect(restored.countedSize).toBe(2);
    expect(['c1', 'c2', 'c3'].map((callid) => restored.ownerOf(callid))).toEqual(['me', 'you', undefined]);
    restored.onEvent(dialogEvent('c1', 4, 5), 3);
    expect([restored.countedSize, restored.ownerOf('c1')]).toEqual([1, undefined]);
  }));

it('counts a call that goes on in another dialog once it is answered, and ends it as a command requests', () =>
  withCalls(({ calls, restore }) => {
    calls.onNotification(command(), notification('TransferStart', 'c1'), 1);
    calls.onEvent(dialogEvent('c1', 1, 5, 'id.1'), 2);
    expect(calls.dialogOf('c1')).toBe('ringing');
    calls.onNotification(command(), notification('Ended', ''), 3);
    expect([calls.activeCount, calls.dialogOf('c1'), calls.isKnown('c1')]).toEqual([0, undefined, true]);
    calls.write(0, 3);
    calls.onEvent(dialogEvent('c1', 1, 2, 'id.2'), 4);
    expect(calls).toMatchObject({ activeCount: 1, countedSize: 0 });
    calls.onEvent(dialogEvent('c1', 2, 3, 'id.2'), 5);
    expect(calls.countedSize).toBe(1);
    calls.write(0, 5);
    const restored = restore();
    expect(restored).toMatchObject({ activeCount: 1, countedSize: 1 });
    const request = { type: 'mi', method: 'dlg_end_dlg', params: { dialog_id: 'c1' } } as const;
    restored.onRequestsSent([{ ...request, id: 'x', timeout_ms: 1, ttl_ms: 1 }]);
    restored.onReply({ id: 'x' }, 6);
    restored.onEvent(dialogEvent('c1', 3, 5, 'id.2'), 6);
    expect(restored).toMatchObject({ activeCount: 0, countedSize: 0 });
    expect(restored.get('c1')?.call).toMatchObject({ state: 'ended', ended_by: 'api', began: 1 });
  }));

it('tells nobody of an end that was not written before the call went on, and of two ends only once', () =>
  withCalls(({ calls, restore, changesSince }) => {
    calls.setWatched(true, 0);
    calls.onEvent(dialogEvent('c1', 1, 5, 'id.1'), 1);
    calls.onEvent(dialogEvent('c1', 1, 2, 'id.2'), 2);
    calls.write(0, 2);
    calls.onEvent(dialogEvent('c1', 2, 5, 'id.2'), 3);
    calls.onEvent({ name: 'E_CALL_BYE', params: { callid: 'c1', leg: 'caller' } }, 4);
    calls.write(0, 4);
    const changes = calls.takeChanges();
    expect(changes.map((change) => 'call' in change && [change.event, change.call.ended_by])).toEqual([
      ['Ringing', undefined],
      ['Ended', 'caller'],
    ]);
    expect(changesSince(restore(), 0)).toEqual(changes);
    expect(
      restore()
        .get('c1')
        ?.timeline.map(({ event }) => event),
    ).toEqual(['Ringing', 'Ended']);
  }));

it('tells which legs a command has put on hold, whether or not OpenSIPS raises an event for it', () =>
  withCalls(({ calls }) => {
    const hold = command({ method: 'CallHold', callids: ['c1'], params: { callid: 'c1' } });
    const changed = (event: string, leg: string) => ({ seq: 1, event, data: { leg } });
    expect(calls.isKnown('c1')).toBe(false);
    expect(calls.heldLegs('c1')).toBeUndefined();
    calls.onEvent(dialogEvent('c1', 2, 3), 1);
    calls.onNotification(hold, changed('CallHoldSuccessful', 'callee'), 2);
    calls.onEvent(holdEvent('c1', 'callee', 'ok'), 2);
    expect(calls.heldLegs('c1')).toEqual(['callee']);
    calls.onNotification(hold, changed('CallUnholdSuccessful', 'callee'), 3);
    expect(calls.heldLegs('c1')).toEqual([]);
    expect(calls.get('c1')?.timeline.map(({ event }) => event)).toEqual(['Answered', 'Held', 'Resumed']);
    calls.onEvent(dialogEvent('c1', 4, 5), 4);
    expect(calls.heldLegs('c1'), 'of a call that has ended').toBeUndefined();
  }));

it('lists a limited number of ended calls, of which few are in memory, and all active ones', () =>
  withCalls(({ calls }) => {
    calls.onEvent(dialogEvent('active', 1, 2), 1);
    for (let n = 0; n < MAX_ENDED * 1.2; n++) {
      calls.onEvent(dialogEvent(`c${n}`, 1, 5), 2);
      if (n % 100 === 99) calls.write(0, 2);
    }
    const rowsRead = vi.spyOn(CommandLog.prototype, 'callsAt');
    const latest = MAX_ENDED * 1.2 - MEMORY_LIMITS.maxEnded;
    expect(calls.get(`c${latest}`)?.timeline).toHaveLength(1);
    expect(rowsRead).not.toHaveBeenCalled();
    expect(calls.get(`c${latest - 500}`)?.timeline).toHaveLength(1);
    expect(rowsRead).toHaveBeenCalledOnce();
    rowsRead.mockRestore();
    expect(calls.get('c0')).toBeUndefined();
    expect(calls.get('active')).toBeDefined();
    const listed = pagesOf(calls, {}).flatMap((page) => page.calls);
    expect(listed.length).toBeGreaterThan(MAX_ENDED);
    expect(listed.length).toBeLessThanOrEqual(MAX_ENDED * 1.1 + 1);
    expect(new Set(listed.map(({ callid }) => callid)).size).toBe(listed.length);
  }));

it('lists pages that are bounded in bytes, and in what is read for them, without leaving a call out', () =>
  withCalls(({ calls }) => {
    const count = 1_500;
    for (let n = 0; n < count; n++) {
      const callid = `c${n}-${'x'.repeat(500)}`;
      calls.onEvent(dialogEvent(callid, 1, n % 2 === 0 ? 2 : 5, `id.${callid}`), n + 1);
      if (n % 20 === 19) calls.write(0, 2);
    }
    const all = pagesOf(calls, {});
    const callids = new Set(all.flatMap((page) => page.calls.map(({ callid }) => callid)));
    expect(callids.size).toBe(count);
    for (const page of all) expect(JSON.stringify(page.calls).length).toBeLessThan(240_000);
    const rowsRead = vi.spyOn(CommandLog.prototype, 'callsAt');
    const perPage: number[] = [];
    const none = pagesOf(calls, { address: 'nobody@example.com' }, () => {
      perPage.push(rowsRead.mock.results.reduce((sum, { value }) => sum + String(value).length, 0));
      rowsRead.mockClear();
    });
    rowsRead.mockRestore();
    expect(none.flatMap((page) => page.calls)).toEqual([]);
    expect(perPage.length).toBeGreaterThan(1);
    expect(Math.max(...perPage)).toBeLessThan(400_000);
  }));

it('lists the newest calls first, and applies the filter to every page', () =>
  withCalls(({ calls }) => {
    for (let n = 1; n <= 5; n++) calls.onEvent(dialogEvent(`c${n}`, 1, 2), n);
    calls.onEvent(dialogEvent('c4', 2, 5), 9);
    const first = calls.list({ states: ['ringing'] }, 2);
    expect(first.calls.map(({ callid }) => callid)).toEqual(['c5', 'c3']);
    const second = calls.list({ states: ['ringing'] }, 2, first.cursor);
    expect(second).toMatchObject({ calls: [{ callid: 'c2' }, { callid: 'c1' }] });
    expect(second.cursor).toBeUndefined();
    expect(calls.list({ since: 4 }, 9).calls.map(({ callid }) => callid)).toEqual(['c5', 'c4']);
  }));
