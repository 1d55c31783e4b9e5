/** The segments of the log: which are kept, which are dropped, and what is found in them. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETENTION, type Retention } from '../../objects/retention.ts';
import { appendCommands, withLogDatabase } from '../../testing/command-log.ts';
import { notificationsSince } from '../../testing/missed.ts';
import { storedCommand } from '../../testing/stored-command.ts';
import type { CommandLog } from './command-log.ts';

const RETENTION: Retention = {
  ...DEFAULT_RETENTION,
  segmentMs: 1_000,
  segmentPositions: 10,
  maxSegments: 3,
  segmentTtlMs: 5_000,
};
/** The position for {@link Segments.trim} if no command is running. */
const NO_COMMANDS = Number.MAX_SAFE_INTEGER;

function segmentCount(sql: SqlStorage): number {
  return sql.exec("SELECT name FROM sqlite_master WHERE name LIKE 'log_%'").toArray().length;
}

it('finds an ended command of a subject by its `cmd_id` in every segment', () =>
  withLogDatabase((open) => {
    const log = open(RETENTION);
    for (let id = 1; id < 40; id += 3) appendCommands(log, id + 2, [storedCommand(id, 'ended', [id + 1])]);
    expect(log.findEnded('me', 'c1')?.notifications).toEqual([{ seq: 2, event: 'e2' }]);
    const restored = open(RETENTION);
    restored.restore();
    for (const id of [1, 37]) expect(restored.findEnded('me', `c${id}`)?.id).toBe(id);
    expect(log.findEnded('you', 'c1')).toBeUndefined();
    expect(log.findEnded('me', 'c2')).toBeUndefined();
  }));

it('finds the ended commands of segments that 0.2.0 has written, and drops their tables', () =>
  withLogDatabase((open, sql) => {
    const log = open(RETENTION);
    for (const id of [1, 5]) appendCommands(log, id + 2, [storedCommand(id, 'ended', [id + 1])]);
    sql.exec(`
      DROP TABLE names_1;
      CREATE TABLE ended_1 (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    `);
    for (const id of [1, 5])
      sql.exec('INSERT INTO ended_1 (name, position) VALUES (?, ?)', `me\nc${id}`, id + 2);
    // Nothing is restored, as from a log of which no command runs.
    const opened = open(RETENTION);
    for (const id of [1, 5]) expect(opened.findEnded('me', `c${id}`)?.id).toBe(id);
    expect(opened.findEnded('me', 'c2')).toBeUndefined();
    for (let id = 11; id < 60; id += 3) appendCommands(opened, id + 2, [storedCommand(id, 'ended')]);
    expect(opened.findEnded('me', 'c1')).toBeUndefined();
    expect(sql.exec("SELECT name FROM sqlite_master WHERE name = 'ended_1'").toArray()).toEqual([]);
  }));

it('finds an ended command in as many segments as the default retention keeps', () =>
  withLogDatabase((open, sql) => {
    const log = open({ ...RETENTION, maxSegments: DEFAULT_RETENTION.maxSegments });
    for (let position = 1; position <= 100; position++)
      appendCommands(log, position, [storedCommand(position, 'ended')]);
    expect(segmentCount(sql)).toBe(DEFAULT_RETENTION.maxSegments + 1);
    for (const id of [41, 60, 100]) expect(log.findEnded('me', `c${id}`)?.id).toBe(id);
    expect(log.findEnded('me', 'c1')).toBeUndefined();
    expect(log.findEnded('me', 'no-such-command')).toBeUndefined();
  }));

it('drops a segment that is too old, and then returns no notifications from before its end', () =>
  withLogDatabase((open) => {
    const log = open(RETENTION);
    appendCommands(log, 3, [storedCommand(1, 'ended', [2])]);
    appendCommands(log, 6, [storedCommand(4, 'ended', [5])], { now: 2_000 });
    log.segments.trim(5_999, NO_COMMANDS);
    expect(log.findEnded('me', 'c1')).toBeDefined();
    log.segments.trim(6_000, NO_COMMANDS);
    expect(log.findEnded('me', 'c1')).toBeUndefined();
    expect(log.findEnded('me', 'c4')).toBeDefined();
    expect(notificationsSince(log, 'me', 'one', 0)).toBeUndefined();
    expect(notificationsSince(log, 'me', 'one', 3)).toHaveLength(1);
    expect(log.segments.due).toBe(8_000);
  }));

it('continues the numbers after every segment was dropped', () =>
  withLogDatabase((open) => {
    const log = open(RETENTION);
    appendCommands(log, 3, [storedCommand(1, 'ended', [2])]);
    log.segments.trim(10_000, NO_COMMANDS);
    expect(log.segments.due).toBe(Number.POSITIVE_INFINITY);
    const reopened = open(RETENTION);
    expect(reopened.restore()).toMatchObject({ position: 4, running: [] });
    appendCommands(reopened, 6, [storedCommand(4, 'ended', [5])], { now: 10_000 });
    expect(open(RETENTION).restore().position).toBe(7);
    expect(notificationsSince(reopened, 'me', 'one', 2)).toBeUndefined();
    expect(notificationsSince(reopened, 'me', 'one', 3)).toHaveLength(1);
  }));

it('keeps no more than the maximum number of segments, even before an alarm is due', () =>
  withLogDatabase((open, sql) => {
    const log = open(RETENTION);
    for (let position = 1; position <= 200; position++)
      appendCommands(log, position, [storedCommand(position, 'ended')]);
    expect(segmentCount(sql)).toBe(RETENTION.maxSegments + 1);
    expect(log.findEnded('me', 'c200')).toBeDefined();
    expect(log.findEnded('me', 'c1')).toBeUndefined();
  }));

it('applies a shorter retention to existing segments with the next trim', () =>
  withLogDatabase((open) => {
    const log = open(RETENTION);
    log.segments.keep(3_600, DEFAULT_RETENTION.maxBytes);
    appendCommands(log, 3, [storedCommand(1, 'ended', [2])]);
    expect(log.segments.due).toBe(3_600_000);
    log.segments.keep(60, DEFAULT_RETENTION.maxBytes);
    expect(log.segments.due).toBe(60_000);
    log.segments.trim(59_999, NO_COMMANDS);
    expect(log.findEnded('me', 'c1')).toBeDefined();
    log.segments.trim(60_000, NO_COMMANDS);
    expect(log.findEnded('me', 'c1')).toBeUndefined();
  }));

it('does not drop a segment that a running command needs', () =>
  withLogDatabase((open) => {
    const log = open(RETENTION);
    appendCommands(log, 3, [storedCommand(1, 'running', [2])]);
    appendCommands(log, 6, [storedCommand(4, 'ended', [5])], { restoreFrom: 3, now: 60_000 });
    log.segments.trim(60_000, 3);
    const { running } = open(RETENTION).restore();
    expect(running.map(({ id }) => id)).toEqual([1]);
  }));

it('is not due at once again when a running command has blocked a trim', () =>
  withLogDatabase((open) => {
    const log = open(RETENTION);
    appendCommands(log, 3, [storedCommand(1, 'running', [2])]);
    log.segments.trim(60_000, 3);
    expect(log.segments.due).toBe(60_000 + RETENTION.segmentMs);
    log.segments.trim(60_500, NO_COMMANDS);
    expect(log.segments.due).toBe(Number.POSITIVE_INFINITY);
  }));

describe('a budget of 2 MB', () => {
  const BUDGET: Retention = { ...DEFAULT_RETENTION, segmentBytes: 300_000, maxBytes: 1_700_000 };
  /** Appends commands of 10 KB each. */
  const appendLarge = (log: CommandLog, from: number, count: number) => {
    for (let id = from; id < from + count; id++) {
      const command = { ...storedCommand(id, 'ended'), params: { text: 'x'.repeat(10_000) } };
      appendCommands(log, id, [command]);
    }
  };

  it('is kept whatever is written, also with hibernations in between; the oldest is dropped first', () =>
    withLogDatabase((open, sql) => {
      const sizes: number[] = [];
      for (let round = 0; round < 100; round++) {
        const log = open(BUDGET);
        log.restore();
        appendLarge(log, 1 + 20 * round, 20);
        sizes.push(sql.databaseSize);
      }
      expect(Math.max(...sizes)).toBeLessThan(2_000_000);
      expect(Math.min(...sizes.slice(50)), 'what fits is kept').toBeGreaterThan(1_300_000);
      const log = open(BUDGET);
      log.restore();
      expect(log.findEnded('me', 'c2000')).toBeDefined();
      expect(log.findEnded('me', 'c1800')).toBeUndefined();
      expect(notificationsSince(log, 'me', 'one', 100), 'who resumes is told').toBeUndefined();
    }));

  it('is kept while a command runs for long: the log asks for a new copy of it', () =>
    withLogDatabase((open, sql) => {
      const log = open(BUDGET);
      let copiedAt = 1;
      appendCommands(log, 1, [storedCommand(1, 'running')], { restoreFrom: 1 });
      let largest = 0;
      for (let id = 2; id < 1_000; id++) {
        const large = { ...storedCommand(id, 'ended'), params: { text: 'x'.repeat(10_000) } };
        const isCopyNeeded = copiedAt < log.segments.takeCopyCommandsBefore(50 * id);
        if (isCopyNeeded) copiedAt = id;
        const commands = isCopyNeeded ? [large, storedCommand(1, 'running')] : [large];
        appendCommands(log, id, commands, { restoreFrom: copiedAt });
        largest = Math.max(largest, sql.databaseSize);
      }
      expect(largest).toBeLessThan(2_000_000);
      expect(copiedAt, 'no more copies than segments').toBeGreaterThan(1);
      expect(
        open(BUDGET)
          .restore()
          .running.map(({ cmdId }) => cmdId),
      ).toEqual(['c1']);
    }));

  it('that becomes smaller is kept with the next trim', () =>
    withLogDatabase((open, sql) => {
      const log = open(BUDGET);
      appendLarge(log, 1, 150);
      expect(sql.databaseSize).toBeGreaterThan(1_300_000);
      log.segments.keep(3_600, 900_000);
      log.segments.trim(0, NO_COMMANDS);
      expect(sql.databaseSize).toBeLessThan(900_000);
      expect(log.findEnded('me', 'c150')).toBeDefined();
    }));
});

it('copies active calls in portions with a pause between them, and drops the segment after the last one', () =>
  withLogDatabase((open, sql) => {
    const log = open(RETENTION);
    let portions = 3;
    log.segments.beforeDrop(() => --portions === 0);
    appendCommands(log, 1, [storedCommand(1, 'ended')]);
    appendCommands(log, 6, [storedCommand(4, 'ended')], { now: 2_000 });
    log.segments.trim(6_000, NO_COMMANDS);
    expect([portions, segmentCount(sql)]).toEqual([2, 2]);
    const { due } = log.segments;
    expect(due).toBeGreaterThan(6_000);
    log.segments.trimIfOpened(due - 1, NO_COMMANDS);
    expect([portions, segmentCount(sql)]).toEqual([2, 2]);
    log.segments.trimIfOpened(due, NO_COMMANDS);
    expect([portions, segmentCount(sql)]).toEqual([1, 2]);
    log.segments.trimIfOpened(log.segments.due, NO_COMMANDS);
    expect([portions, segmentCount(sql)]).toEqual([0, 1]);
    expect(log.findEnded('me', 'c4')).toBeDefined();
  }));
