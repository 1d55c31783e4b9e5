/** The log of commands: what a restore reads, which notifications it returns, and what a turn writes. */
import { expect, it } from 'vitest';
import type { Command } from '../../../shared/runner/stored-command.ts';
import { appendCommands, withLogDatabase } from '../../testing/command-log.ts';
import { notificationsSince } from '../../testing/missed.ts';
import { countWrites } from '../../testing/storage.ts';
import { storedCommand } from '../../testing/stored-command.ts';
import type { CommandLog } from './command-log.ts';

it('restores the running commands, the applied position and the next free number', () =>
  withLogDatabase((open) => {
    const log = open();
    appendCommands(log, 3, [storedCommand(1, 'running', [2])]);
    appendCommands(log, 6, [storedCommand(4, 'running', [5])], { restoreFrom: 3 });
    appendCommands(log, 8, [storedCommand(1, 'ended', [2, 7])], { restoreFrom: 6 });
    const { running, position, applied } = open().restore();
    expect(running.map(({ id }) => id)).toEqual([4]);
    expect(position).toBe(9);
    expect(applied).toEqual([{ stream: 's', seq: 8 }]);
  }));

it('keeps its epoch after a restore, so that no id of an MI request is used twice', () =>
  withLogDatabase((open) => {
    const { epoch } = open().restore();
    expect(open().restore().epoch).toBe(epoch);
  }));

it('returns the notifications of a session after a number, in order and each once', () =>
  withLogDatabase((open) => {
    const log = open();
    appendCommands(log, 4, [storedCommand(1, 'running', [2, 3])]);
    appendCommands(log, 7, [storedCommand(5, 'ended', [6], 'other')], { restoreFrom: 4 });
    appendCommands(log, 9, [storedCommand(1, 'ended', [2, 3, 8])], { restoreFrom: 4 });
    const seqsSince = (since: number) =>
      notificationsSince(log, 'me', 'one', since)?.map(({ notification }) => notification.seq);
    expect(seqsSince(0)).toEqual([2, 3, 8]);
    expect(seqsSince(2)).toEqual([3, 8]);
    expect(seqsSince(8)).toEqual([]);
    expect(notificationsSince(log, 'you', 'one', 0)).toEqual([]);
  }));

it('returns undefined for the notifications after a number that it has not reached', () =>
  withLogDatabase((open) => {
    const log = open();
    appendCommands(log, 4, [storedCommand(1, 'ended', [2])]);
    expect(notificationsSince(log, 'me', 'one', 99)).toBeUndefined();
  }));

it('writes one row for a turn, also if commands have ended', () =>
  withLogDatabase((open, sql) => {
    const log = open();
    appendCommands(log, 1, [storedCommand(1, 'running')]);
    const rowsFor = (position: number, commands: readonly Command[]) => {
      const before = countWrites(sql);
      appendCommands(log, position, commands);
      return countWrites(sql) - before;
    };
    const running = [1, 2, 3].map((id) => storedCommand(id, 'running'));
    expect(rowsFor(2, running)).toBe(1);
    expect(rowsFor(3, [storedCommand(1, 'ended'), storedCommand(2, 'running')])).toBe(1);
  }));

/** Appends commands that have ended, in rows of 3 KB. */
function appendEnded(log: CommandLog, from: number, count: number): void {
  for (let id = from; id < from + count; id++)
    appendCommands(log, id, [{ ...storedCommand(id, 'ended'), params: { text: 'x'.repeat(3_000) } }]);
}

it('finds every ended command after a hibernation at any time, for less than a row for each ten', () =>
  withLogDatabase((open, sql) => {
    let log = open();
    const before = countWrites(sql);
    for (const [from, count] of [
      [1, 50],
      [51, 1],
      [52, 149],
      [201, 300],
    ] as const) {
      appendEnded(log, from, count);
      for (const id of [1, from, from + count - 1]) expect(log.findEnded('me', `c${id}`)?.id).toBe(id);
      log = open();
      log.restore();
      for (let id = 1; id < from + count; id++) expect(log.findEnded('me', `c${id}`)?.id).toBe(id);
      expect(log.findEnded('you', 'c1')).toBeUndefined();
    }
    expect(countWrites(sql) - before).toBeLessThan(500 * 1.1);
  }));

it('restores the lines of calls that went along with commands, until a row of the call log has them', () =>
  withLogDatabase((open) => {
    const log = open();
    const append = (position: number, seq: number) =>
      log.append(
        {
          ...{ position, restoreFrom: position, applied: [], at: 0, calls: [{ seq }] },
          commands: [storedCommand(position, 'ended')],
        },
        0,
      );
    const restored = () => {
      const reopened = open();
      const { position } = reopened.restore();
      return [reopened.restoredLines, reopened.lastCallsPosition, position];
    };
    append(2, 1);
    append(5, 7);
    expect(restored()).toEqual([[{ seq: 1 }, { seq: 7 }], 7, 8]);
    log.appendCalls(log.segments.writable(7, 0, 0), 7, '[]');
    append(9, 8);
    expect(restored()).toEqual([[{ seq: 8 }], 8, 10]);
  }));
