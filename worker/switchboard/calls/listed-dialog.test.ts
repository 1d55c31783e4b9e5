/** What a reconciliation round reads of the log for calls about which it brings nothing new. */
import { runInDurableObject } from 'cloudflare:test';
import { expect, it, vi } from 'vitest';
import { dialogEvent, dialogIdOf } from '../../testing/scenarios.ts';
import { TestSite } from '../../testing/site.ts';
import { CommandLog } from '../store/command-log.ts';
import { Calls } from './calls.ts';
import { MEMORY_LIMITS } from './memory-limits.ts';

/** So that memory has no more of a call than its place in the log, and each write ends with a checkpoint. */
const ONLY_IN_LOG = { ...MEMORY_LIMITS, maxOpen: 1, maxText: 0, minTail: 0 };

const CALLIDS = Array.from({ length: 500 }, (_, n) => `call-${n}`);

const dialogOf = (callid: string, state = 4) => ({
  ...{ ID: dialogIdOf(callid), callid, state, timestart: 1 },
  ...{ from_uri: `sip:from-${callid}@h.test`, to_uri: 'sip:to@h.test' },
});

function run(test: (store: CommandLog, restore: () => Calls) => void) {
  return runInDurableObject(new TestSite().object, (_, { storage: { sql } }) => {
    let lastSeq = 0;
    const store = new CommandLog(sql);
    test(store, () => new Calls(store, () => ++lastSeq, ONLY_IN_LOG));
  });
}

function listAll(calls: Calls, round: number): void {
  calls.onRoundBegun();
  for (const callid of CALLIDS) calls.onDialog(dialogOf(callid), round, round);
  calls.write(0, round);
}

it('reads no call that is listed as before, also after a restore, and each one that is listed otherwise', () =>
  run((store, restore) => {
    listAll(restore(), 1);
    const calls = restore();
    const rowsRead = vi.spyOn(store, 'callsAt');
    listAll(calls, 2);
    listAll(calls, 3);
    expect(rowsRead).not.toHaveBeenCalled();
    calls.onDialog(dialogOf('call-7', 3), 4, 4);
    calls.onEvent(dialogEvent('call-8', 4, 5), 4);
    expect(rowsRead).toHaveBeenCalled();
    expect(calls.get('call-8')?.call.state).toBe('ended');
    expect(calls.onRoundRead(3, 3, 4)).toEqual([]);
    expect(calls.activeCount).toBe(CALLIDS.length - 1);
  }));

it('ends the calls that the next round does not list', () =>
  run((_store, restore) => {
    const calls = restore();
    listAll(calls, 1);
    listAll(calls, 2);
    calls.onRoundBegun();
    for (const callid of CALLIDS.slice(1)) calls.onDialog(dialogOf(callid), 3, 30_000);
    calls.onRoundRead(3, 20_000, 30_000);
    expect(calls.activeCount).toBe(CALLIDS.length - 1);
    expect(calls.get('call-0')?.call.state).toBe('ended');
  }));

it('finds the newest line of each call in a row, whatever its Call-ID contains and whichever others the line names', () =>
  run((_store, restore) => {
    const calls = restore();
    const odd = ['a"b', 'a', 'a\\', 'callid', 'a\nb', ',', 'seq', '{"call":{"callid":"a"'];
    for (const callid of odd) calls.onEvent(dialogEvent(callid, 1, 2), 1);
    for (const callid of odd) calls.onEvent(dialogEvent(callid, 2, 3), 2);
    calls.write(0, 2);
    calls.write(0, 3);
    for (const callid of odd) expect(calls.get(callid)?.call).toMatchObject({ callid, state: 'answered' });
  }));
