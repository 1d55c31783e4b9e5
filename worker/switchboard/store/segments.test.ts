/** The segments of the log: which are kept, which are dropped, and what is found in them. */
import { expect, it } from 'vitest';
import { DEFAULT_RETENTION, type Retention } from '../../objects/retention.ts';
import { appendCommands, withLogDatabase } from '../../testing/command-log.ts';
import { storedCommand } from '../../testing/stored-command.ts';
import { notificationsSince } from '../../testing/missed.ts';

const RETENTION: Retention = { segmentMs: 1_000, segmentPositions: 10, maxSegments: 3, segmentTtlMs: 5_000 };
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
    expect(open(RETENTION).findEnded('me', 'c37')?.id).toBe(37);
    expect(log.findEnded('you', 'c1')).toBeUndefined();
    expect(log.findEnded('me', 'c2')).toBeUndefined();
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
    log.segments.keepFor(3_600);
    appendCommands(log, 3, [storedCommand(1, 'ended', [2])]);
    expect(log.segments.due).toBe(3_600_000);
    log.segments.keepFor(60);
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
