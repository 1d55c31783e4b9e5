/** The log of commands: what a restore reads, which notifications it returns, and what a turn writes. */
import { expect, it } from 'vitest';
import type { Command } from '../../../shared/runner/stored-command.ts';
import { appendCommands, withLogDatabase } from '../../testing/command-log.ts';
import { notificationsSince } from '../../testing/missed.ts';
import { countWrites } from '../../testing/storage.ts';
import { storedCommand } from '../../testing/stored-command.ts';

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

it('writes one row for a turn, and one more for each command that has ended', () =>
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
    expect(rowsFor(3, [storedCommand(1, 'ended'), storedCommand(2, 'running')])).toBe(2);
  }));
