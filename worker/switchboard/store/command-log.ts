/**
 * The log of a site's commands in SQL. A row holds all commands that a turn has changed in their new state, so a turn costs one
 * row whatever it does. Ended commands are found by their `cmd_id`. Changes of calls have tables of their own, which are read
 * without the commands; but what a turn with commands has changed in calls goes along with its row, and is written to those tables
 * later, many changes at once.
 * @module
 */
import { parseJson } from '../../../shared/protocol/exact-json.ts';
import type { Command, Notification } from '../../../shared/runner/stored-command.ts';
import { DEFAULT_RETENTION } from '../../objects/retention.ts';
import { CheckpointTable } from './checkpoint-table.ts';
import { EndedCommands } from './ended-commands.ts';
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

/** A line of the call log, which goes along with a row of commands. */
export interface NumberedLine {
  readonly seq: number;
}

interface LogRow {
  /** When it was written, in Unix milliseconds. */
  readonly at: number;
  readonly applied: readonly AppliedPosition[];
  /** What a restore needs is at this position or later: the newest copy of each running command, and what is only in rows of this log. */
  readonly restoreFrom: number;
  readonly commands: readonly Command[];
  /** Lines of the call log; absent if there are none. */
  readonly calls?: readonly NumberedLine[];
}

/**
 * Characters of the log that a restore reads beside the running commands, some 3 ms of work. Then lines of calls, and names of ended
 * commands, which are only in these rows, are written to their own tables.
 */
const MAX_TAIL = 262_144;

export class CommandLog {
  readonly #sql: SqlStorage;
  /** The parts that the log consists of, and how long they are kept. */
  readonly segments: Segments;
  /** The latest checkpoint of the calls. */
  readonly checkpoint: CheckpointTable;
  readonly #ended: EndedCommands;
  /** Lines of calls that {@link restore} has found in rows of this log only. */
  readonly restoredLines: unknown[] = [];
  /** The first row that has lines of calls that are nowhere else; infinity if there is none. */
  #linesFrom = Number.POSITIVE_INFINITY;
  /** The number of the last line of calls in such a row; 0 if there is none. */
  #lastLine = 0;
  /** That of the newest row. */
  #lastPosition = 0;
  /** Characters of rows since the first one that has something that is nowhere else. */
  #tail = 0;

  constructor(sql: SqlStorage, retention = DEFAULT_RETENTION) {
    this.#sql = sql;
    this.segments = new Segments(sql, retention);
    this.checkpoint = new CheckpointTable(sql);
    this.#ended = new EndedCommands(sql, this.segments);
  }

  /** Reads the running commands, from the oldest copy that is needed. */
  restore(): RestoredCommands {
    const { epoch, firstKept } = this.segments;
    const last = this.#lastRow();
    const { applied, restoreFrom } = last ? parse(last) : { applied: [], restoreFrom: 0 };
    const running = new Map<number, Command>();
    let position = last?.position ?? 0;
    this.#lastPosition = position;
    const written = { lines: this.lastCallsPosition, names: this.#ended.writtenUpTo };
    for (const stored of last ? this.#storedFrom(restoreFrom) : []) {
      const row = parse(stored);
      for (const command of row.commands) {
        running.delete(command.id);
        if (command.state) running.set(command.id, command);
        position = Math.max(position, command.id, command.notifications.at(-1)?.seq ?? 0);
      }
      const lines = row.calls?.filter(({ seq }) => seq > written.lines) ?? [];
      this.restoredLines.push(...lines);
      this.#noteTail(stored.position, stored.position > written.names ? row.commands : [], lines);
      if (this.#tailFrom <= stored.position) this.#tail += stored.row.length;
    }
    const free = Math.max(firstKept, 1 + this.lastCallsPosition, position + (last ? 1 : 0));
    return { epoch, position: free, applied, running: [...running.values()] };
  }

  /**
   * Writes a row of the call log; `position` is at least that of its last line, and higher than those of all rows before. The lines that
   * have gone along with rows of commands must come first.
   */
  appendCalls({ id }: Segment, position: number, row: string): void {
    this.#sql.exec(`INSERT INTO calls_${id} (position, row) VALUES (?, ?)`, position, row);
    if (position >= this.#lastLine) this.#linesFrom = Number.POSITIVE_INFINITY;
  }

  /** The position of the newest row of commands; 0 if there is none. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** Whether the lines that have gone along with rows of commands are to be written by {@link appendCalls}. */
  get isTailFull(): boolean {
    return this.#tail >= MAX_TAIL;
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
    return this.#rowAt('calls', position);
  }

  /** Writes what a turn has changed. */
  append(row: LogRow & { readonly position: number }, now: number): void {
    const { position, ...content } = row;
    if (this.#tailFrom === Number.POSITIVE_INFINITY) this.#tail = 0;
    this.#noteTail(position, row.commands, row.calls);
    const text = JSON.stringify({ ...content, restoreFrom: Math.min(row.restoreFrom, this.#tailFrom) });
    const segment = this.segments.writable(position, text.length, now);
    this.#sql.exec(`INSERT INTO log_${segment.id} (position, row) VALUES (?, ?)`, position, text);
    this.#lastPosition = position;
    if (this.#tailFrom <= position) this.#tail += text.length;
    if (this.isTailFull) this.#ended.flush(segment);
    this.segments.trimIfOpened(now, row.restoreFrom);
  }

  get #tailFrom(): number {
    return Math.min(this.#linesFrom, this.#ended.from);
  }

  /** A row has what is nowhere else: commands that have ended, and lines of calls. */
  #noteTail(position: number, commands: readonly Command[], lines: readonly NumberedLine[] = []): void {
    for (const { state, subject, cmdId } of commands) if (!state) this.#ended.add(subject, cmdId, position);
    const last = lines.at(-1);
    if (!last) return;
    this.#linesFrom = Math.min(this.#linesFrom, position);
    this.#lastLine = last.seq;
  }

  /** The position of the newest row, and when it was written, in Unix milliseconds. */
  get lastWrite(): { readonly position: number; readonly at: number } | undefined {
    const last = this.#lastRow();
    return last && { position: last.position, at: parse(last).at };
  }

  /** Returns an ended command, if it is still kept. */
  findEnded(subject: string, cmdId: string): Command | undefined {
    for (const position of this.#ended.find(subject, cmdId)) {
      const row = this.#rowAt('log', position);
      const found =
        row && this.commandsOf(row).find((each) => each.subject === subject && each.cmdId === cmdId);
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

  #rowAt(table: LogTable, position: number): string | undefined {
    // Where a segment begins does not tell which one it is: a turn can open several, and numbers its rows before. There are few, and the
    // platform allows five terms in a compound SELECT.
    for (const { id } of this.segments.newestFirst) {
      const [stored] = this.#sql.exec<{ row: string }>(
        `SELECT row FROM ${table}_${id} WHERE position = ?`,
        position,
      );
      if (stored) return stored.row;
    }
    return undefined;
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

  /**
   * The number of the newest line of the call log, even if that was dropped after a checkpoint, or is only in a row of commands; 0 if
   * there was none.
   */
  get lastCallsPosition(): number {
    return Math.max(this.#lastLine, this.#lastCallsRow);
  }

  get #lastCallsRow(): number {
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
