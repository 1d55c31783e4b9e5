/** Decides which commands are written to the log, in which rows, and from which position a restore must read. @module */
import { byteLength } from '../protocol/byte-length.ts';
import { LogPositions } from './log-positions.ts';
import type { Command } from './stored-command.ts';

/** A row of the log: commands in their present state. */
export interface LogRow {
  readonly position: number;
  readonly commands: readonly Command[];
}

/** Commands in a row. Most have 2 to 6 KB. */
const MAX_ROW_COMMANDS = 50;

/**
 * Bytes at which a row is full, so that a page of a replay (`store/stored-page.ts` of the Switchboard) has room for it. A command with two
 * Call-IDs of 4,096 characters, which it has several times, has some 100 KB: it may be a row of its own.
 */
const MAX_ROW_BYTES = 131_072;

/**
 * Older copies are written again, so that a restore reads little: this many positions, plus some for each running
 * command, so that the work of a turn does not grow with the number of running commands.
 */
const MAX_COPY_AGE = 2_000;
const COPY_AGE_PER_COMMAND = 8;

/** Copies that a turn makes at most so that a segment of the log can be dropped: some 50 KB, and 800 KB of the longest. */
const MAX_COPIES_FOR_SPACE = 8;

/** The log of commands: while a command runs, its newest copy is somewhere in it. */
export class LogRows {
  #changed = new Set<Command>();
  readonly #positions = new LogPositions<Command>();

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** Adds a command that was read from the log; the one with the oldest copy comes first. */
  restore(command: Command): void {
    this.#positions.record(command.position, [command]);
  }

  markChanged(command: Command): void {
    this.#changed.add(command);
  }

  /** Removes a command of which nothing has been written. */
  discard(command: Command): void {
    this.#changed.delete(command);
    this.#positions.forget(command);
  }

  /** Its copies are no longer needed once its end is written. */
  onEnded(command: Command): void {
    this.#positions.forget(command);
  }

  /**
   * Returns the rows to write: what has changed since the last call, and copies that are too old.
   * @param position of the first row; each row takes the next one
   * @param runningCount the number of running commands
   * @param copyBefore copies before this position keep a segment from being dropped: some of them are made again
   */
  takeRows(position: number, runningCount: number, copyBefore = 0): readonly LogRow[] {
    if (this.#changed.size === 0) return [];
    const maxAge = MAX_COPY_AGE + COPY_AGE_PER_COMMAND * runningCount;
    for (const command of this.#positions.storedBefore(position - maxAge)) this.#changed.add(command);
    let copies = 0;
    for (const command of this.#positions.storedBefore(copyBefore)) {
      if (copies++ >= MAX_COPIES_FOR_SPACE) break;
      this.#changed.add(command);
    }
    const changed = [...this.#changed];
    this.#changed = new Set();
    const rows: LogRow[] = [];
    let batch: Command[] = [];
    let bytes = 0;
    for (const command of changed) {
      const added = changed.length === 1 ? 0 : byteLength(JSON.stringify(command));
      if (batch.length === MAX_ROW_COMMANDS || (batch.length > 0 && bytes + added > MAX_ROW_BYTES)) {
        rows.push(this.#row(position + rows.length, batch));
        batch = [];
        bytes = 0;
      }
      batch.push(command);
      bytes += added;
    }
    rows.push(this.#row(position + rows.length, batch));
    return rows;
  }

  /** The position from which a restore must read; `position` if it needs nothing before that. */
  restoreFrom(position: number): number {
    return Math.min(this.#positions.oldest, position);
  }

  #row(position: number, commands: readonly Command[]): LogRow {
    for (const command of commands) command.position = position;
    this.#positions.record(
      position,
      commands.filter(({ state }) => state),
    );
    return { position, commands };
  }
}
