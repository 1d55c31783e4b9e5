/**
 * The log of a site's commands in SQL. A row holds all commands that a turn has changed in their new state, so a turn costs one
 * row whatever it does. Ended commands are found by their `cmd_id`. Changes of calls have tables of their own, which are read
 * without the commands.
 * @module
 */
import { parseJson } from '../../../shared/protocol/exact-json.ts';
import type { Command, Notification } from '../../../shared/runner/stored-command.ts';
import { DEFAULT_RETENTION } from '../../objects/retention.ts';
import { CheckpointTable } from './checkpoint-table.ts';
import { type Segment, Segments } from './segments.ts';
import { type LogTable, readStoredPage, type StoredPage } from './stored-page.ts';

/** How far the numbered messages of a process of an adapter have been applied. */
export interface AppliedPosition {
  readonly stream: string;
  readonly seq: number;
}

/** What a restore reads from the log. */
export interface RestoredCommands {
  readonly epoch: string;
  /** The first free number. */
  readonly position: number;
  readonly applied: readonly AppliedPosition[];
  readonly running: readonly Command[];
}

/** A notification and its command. */
export interface LoggedNotification {
  readonly command: Command;
  readonly notification: Notification;
}

interface LogRow {
  /** When it was written, in Unix milliseconds. */
  readonly at: number;
  readonly applied: readonly AppliedPosition[];
  /** The newest copy of each running command is at this position or later. */
  readonly restoreFrom: number;
  readonly commands: readonly Command[];
}

export class CommandLog {
  readonly #sql: SqlStorage;
  /** The parts that the log consists of, and how long they are kept. */
  readonly segments: Segments;
  /** The latest checkpoint of the calls. */
  readonly checkpoint: CheckpointTable;

  constructor(sql: SqlStorage, retention = DEFAULT_RETENTION) {
    this.#sql = sql;
    this.segments = new Segments(sql, retention);
    this.checkpoint = new CheckpointTable(sql);
  }

  /** Reads the running commands, from the oldest copy that is needed. */
  restore(): RestoredCommands {
    const { epoch, firstKept } = this.segments;
    const last = this.#lastRow();
    const free = Math.max(firstKept, 1 + this.lastCallsPosition);
    if (!last) return { epoch, position: free, applied: [], running: [] };
    const { applied, restoreFrom } = parse(last);
    const running = new Map<number, Command>();
    let position = last.position;
    for (const row of this.#rowsFrom(restoreFrom)) {
      for (const command of row.commands) {
        running.delete(command.id);
        if (command.state) running.set(command.id, command);
        position = Math.max(position, command.id, command.notifications.at(-1)?.seq ?? 0);
      }
    }
    return { epoch, position: Math.max(free, position + 1), applied, running: [...running.values()] };
  }

  /** Writes a row of the call log; `position` is that of its last line, and higher than those of all rows before. */
  appendCalls({ id }: Segment, position: number, row: string): void {
    this.#sql.exec(`INSERT INTO calls_${id} (position, row) VALUES (?, ?)`, position, row);
  }

  /** Yields the rows of the call log from a position on, oldest first. */
  *callsFrom(position: number): Generator<StoredRow> {
    for (const { id } of this.segments) {
      yield* this.#sql.exec<StoredRow>(
        `SELECT position, row FROM calls_${id} WHERE position >= ? ORDER BY position`,
        position,
      );
    }
  }

  /** Returns the row of the call log at a position; undefined if there is none any more. */
  callsAt(position: number): string | undefined {
    // Where a segment begins does not tell which one it is: a turn can open several, and numbers its rows before. There are few.
    for (const { id } of this.segments.newestFirst) {
      const [stored] = this.#sql.exec<{ row: string }>(
        `SELECT row FROM calls_${id} WHERE position = ?`,
        position,
      );
      if (stored) return stored.row;
    }
    return undefined;
  }

  /** Writes what a turn has changed. */
  append(row: LogRow & { readonly position: number }, now: number): void {
    const { position, ...content } = row;
    const text = JSON.stringify(content);
    const { id } = this.segments.writable(position, text.length, now);
    this.#sql.exec(`INSERT INTO log_${id} (position, row) VALUES (?, ?)`, position, text);
    for (const command of row.commands) {
      if (command.state) continue;
      this.#sql.exec(
        `INSERT OR REPLACE INTO ended_${id} (name, position) VALUES (?, ?)`,
        nameOf(command.subject, command.cmdId),
        position,
      );
    }
    this.segments.trimIfOpened(now, row.restoreFrom);
  }

  /** The position of the newest row, and when it was written, in Unix milliseconds. */
  get lastWrite(): { readonly position: number; readonly at: number } | undefined {
    const last = this.#lastRow();
    return last && { position: last.position, at: parse(last).at };
  }

  /** Returns an ended command, if it is still kept. */
  findEnded(subject: string, cmdId: string): Command | undefined {
    // A statement for each segment: the platform allows five terms in a compound SELECT.
    for (const { id } of this.segments.newestFirst) {
      const [stored] = this.#sql.exec<StoredRow>(
        `SELECT log.position, row FROM ended_${id} AS ended JOIN log_${id} AS log USING (position) WHERE name = ?`,
        nameOf(subject, cmdId),
      );
      const found =
        stored && parse(stored).commands.find((each) => each.subject === subject && each.cmdId === cmdId);
      if (found) return found;
    }
    return undefined;
  }

  /** Returns whether the log has all notifications after a number. It has none after one that the site has not reached. */
  keepsNotificationsSince(since: number): boolean {
    const lastPosition = this.#lastRow()?.position ?? this.segments.firstKept;
    return since <= Math.max(lastPosition, this.lastCallsPosition) && since >= this.segments.firstKept - 1;
  }

  /** Reads a page of rows: see `stored-page.ts`. */
  readPage(table: LogTable, after: number, texts: readonly string[], maxBytes?: number): StoredPage {
    return readStoredPage(this.#sql, this.segments, table, after, texts, maxBytes);
  }

  /** Returns the commands in a row of {@link readPage}. */
  commandsOf(row: string): readonly Command[] {
    return parse({ row }).commands;
  }

  /** Returns the notifications of all commands with `after < seq <= upto`, and when they were written, if that is known. */
  notificationsBetween(after: number, upto: number): Iterable<LoggedNotification & { readonly at?: number }> {
    const found = new Map<number, LoggedNotification & { readonly at?: number }>();
    let last = upto;
    for (const { position, row } of this.#storedFrom(after + 1)) {
      // The notifications of a turn are numbered before its rows, whose numbers are consecutive: here another turn begins.
      if (position > upto && last > upto && position > last + 1) break;
      last = position;
      const { at, commands } = parse({ row });
      const dated = at === undefined ? {} : { at };
      for (const command of commands)
        for (const notification of command.notifications)
          if (notification.seq > after && notification.seq <= upto && !found.has(notification.seq))
            found.set(notification.seq, { command, notification, ...dated });
    }
    return found.values();
  }

  *#rowsFrom(position: number): Generator<LogRow> {
    for (const stored of this.#storedFrom(position)) yield parse(stored);
  }

  *#storedFrom(position: number): Generator<StoredRow> {
    for (const { id } of this.segments) {
      yield* this.#sql.exec<StoredRow>(
        `SELECT position, row FROM log_${id} WHERE position >= ? ORDER BY position`,
        position,
      );
    }
  }

  #lastRow(): StoredRow | undefined {
    for (const { id } of this.segments.newestFirst) {
      const [last] = this.#sql.exec<StoredRow>(
        `SELECT position, row FROM log_${id} ORDER BY position DESC LIMIT 1`,
      );
      if (last) return last;
    }
    return undefined;
  }

  /** The position of the newest row of the call log, even if that was dropped after a checkpoint; 0 if there was none. */
  get lastCallsPosition(): number {
    for (const { id } of this.segments.newestFirst) {
      const { last } = this.#sql
        .exec<{ last: number | null }>(`SELECT max(position) AS last FROM calls_${id}`)
        .one();
      if (last !== null) return last;
    }
    return this.checkpoint.position;
  }
}

type StoredRow = { position: number; row: string };

function parse(stored: Pick<StoredRow, 'row'>): LogRow {
  return parseJson(stored.row) as LogRow;
}

function nameOf(subject: string, cmdId: string): string {
  return `${subject}\n${cmdId}`;
}
