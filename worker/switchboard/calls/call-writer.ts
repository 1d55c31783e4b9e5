/**
 * Writes what has changed in calls. Not every change is worth a row: those that are not go along with the next row. One rule decides
 * when they cannot wait: what a client is shown is in the log before, and what is not in the log survives a hibernation (see
 * `unlogged-changes.ts`). A crash loses only what nobody has seen, which the next reconciliation finds again.
 * @module
 */
import type { CallIndex } from './call-index.ts';
import { type CarriedLine, copyLine, type LineOfCall, type LogLine } from './call-lines.ts';
import type { CallLog } from './call-log.ts';
import type { CallRecord } from './call-record.ts';
import type { ChangeRecorder } from './change-recorder.ts';

/** Calls that are copied in a turn: the other sites of the machine wait for it, 0.1 ms for each call with 2 KB of metadata (measured). */
const MAX_COPIES = 100;

/**
 * Lines that go along with a row of commands at most. More of them, such as those of a reconciliation, are worth a row of their own; so are
 * lines of more characters, because a page of a replay must have room for the row of commands.
 */
const MAX_POSTPONED = 20;
const MAX_POSTPONED_CHARACTERS = 32_768;

/** What a hibernation must carry. */
export interface UnloggedLines {
  /** The newest position of the log when they were not in it. */
  readonly after: number;
  readonly lines: readonly CarriedLine[];
}

export class CallWriter {
  readonly #log: CallLog;
  readonly #recorder: ChangeRecorder;
  readonly #index: CallIndex;
  readonly #nextSeq: () => number;
  /** Calls of which the log needs a copy, because no line of a change has all of what a restore must know. */
  readonly #uncopied = new Set<CallRecord>();
  #isAllDue = false;
  /** What was postponed last is too much for a row of commands. */
  #isPendingDue = false;

  /** @param nextSeq takes the next number of the site */
  constructor(log: CallLog, recorder: ChangeRecorder, index: CallIndex, nextSeq: () => number) {
    this.#log = log;
    this.#recorder = recorder;
    this.#index = index;
    this.#nextSeq = nextSeq;
  }

  /** Whether there is something to {@link write}. */
  get hasDue(): boolean {
    return (
      this.#recorder.hasLines ||
      this.#uncopied.size > 0 ||
      (this.#isAllDue && (this.#recorder.unlogged.size > 0 || this.#log.hasPending)) ||
      this.#isPendingDue ||
      this.#log.isPendingDue
    );
  }

  /** What {@link write} may leave out. */
  get unlogged(): UnloggedLines {
    return { after: this.#log.lastPosition, lines: this.#recorder.peekUnlogged() };
  }

  /** A copy of this call is needed. */
  requestCopy(record: CallRecord): void {
    this.#uncopied.add(record);
  }

  /** Everything is due with the next {@link write}: a client is about to see calls, or nothing can carry what is not written. */
  requestAll(): void {
    this.#isAllDue = true;
  }

  /**
   * Returns the lines to store with a row of commands, so that they need no row of their own: {@link write} writes them later, with many
   * others. None while clients or webhooks read the log of calls.
   */
  takeLinesForCommands(): readonly LogLine[] {
    if (!this.hasDue || this.#isAllDue || this.#recorder.isObserved) return [];
    const lines = this.#takeLines();
    this.#log.postpone(lines);
    this.#isPendingDue = lines.length > MAX_POSTPONED || lengthOf(lines) > MAX_POSTPONED_CHARACTERS;
    return this.#isPendingDue ? [] : lines;
  }

  /** Writes all that has changed, if a row is due. Returns how many rows that took. */
  write(commandsFrom: number, now: number): number {
    const lines = this.hasDue ? this.#takeLines() : undefined;
    this.#isAllDue = false;
    this.#isPendingDue = false;
    const rows = lines ? this.#log.append(lines, commandsFrom, now) : 0;
    return rows === 0 ? 0 : rows + this.#log.writeCheckpointIfDue();
  }

  /**
   * A segment of the log is to be dropped: copies some of the active calls that are only found before `end` to new lines. What has
   * lower numbers is written first. Returns whether none is left.
   */
  copyBefore(end: number, now: number): boolean {
    this.#log.append(this.#takeLines(), end, now);
    const uncopied = this.#log.onlyBefore(end, MAX_COPIES + 1);
    this.#log.append(this.#copiesOf(uncopied.slice(0, MAX_COPIES)), end, now);
    return uncopied.length <= MAX_COPIES;
  }

  /** Removes and returns the lines to write, then the copies that are needed. */
  #takeLines(): LogLine[] {
    const lines = this.#recorder.takeLines();
    const uncopied = [...this.#uncopied].filter((record) => this.#index.active.has(record));
    this.#uncopied.clear();
    return [...lines, ...this.#copiesOf(uncopied)];
  }

  #copiesOf(records: Iterable<CallRecord>): LineOfCall[] {
    return Array.from(records, (record) => copyLine(record, this.#nextSeq()));
  }
}

function lengthOf(lines: readonly LogLine[]): number {
  return lines.reduce((sum, line) => sum + JSON.stringify(line).length, 0);
}
