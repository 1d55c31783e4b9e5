/**
 * The log of a site's calls: rows of lines. It knows for each active call where the log has a complete copy, and each row
 * says from which position all of those are found. So a restore reads little, and the rest only when a client needs it.
 * @module
 */
import { LogPositions } from '../../../shared/runner/log-positions.ts';
import type { CommandLog } from '../store/command-log.ts';
import { applyLine, type CallRecord, isPartialLine, type LineOfCall, type LogLine } from './call-record.ts';
import { withPast } from './past-entries.ts';

/** About how many a line has. */
const LINE_CHARACTERS = 400;

/** Lines in a row. */
export const MAX_ROW_LINES = 250;

/**
 * Characters at which a row is full, so that a page of a replay (`store/stored-page.ts`) has room for it. One more line, with the longest
 * Call-IDs, metadata and timeline, has some 50 KB.
 */
const MAX_ROW_CHARACTERS = 98_304;

/**
 * An active call is copied when its last complete copy is this many positions old, plus some for each active call. A restore
 * also reads the calls that have ended since then, of which more events may arrive.
 */
const MAX_COPY_AGE = 2_000;
const COPY_AGE_PER_CALL = 8;

/** The first element of a row: from that position on, each call that was active when the row was written is complete. */
interface RestoreFrom {
  readonly restoreFrom: number;
}

/** Parses a row. */
export function linesOf(row: string): LogLine[] {
  return (JSON.parse(row) as (LogLine | RestoreFrom)[]).filter(
    (line): line is LogLine => !isRestoreFrom(line),
  );
}

export class CallLog {
  readonly #store: CommandLog;
  readonly #find: (callid: string) => CallRecord | undefined;
  readonly #findWhole: (callid: string) => CallRecord | undefined;
  readonly #maxCopyAge: number;
  /** Active calls by the position of their last complete copy. */
  readonly #completeCopies = new LogPositions<CallRecord>();
  #lastPosition: number;
  /** Rows before this position have not been read. */
  #unreadBefore: number;

  /**
   * @param find finds a call
   * @param findWhole finds a call with its whole timeline, which may have to be read
   * @param maxCopyAge see {@link MAX_COPY_AGE}
   */
  constructor(
    store: CommandLog,
    find: (callid: string) => CallRecord | undefined,
    findWhole: (callid: string) => CallRecord | undefined,
    maxCopyAge = MAX_COPY_AGE,
  ) {
    this.#store = store;
    this.#find = find;
    this.#findWhole = findWhole;
    this.#maxCopyAge = maxCopyAge;
    this.#lastPosition = store.lastCallsPosition;
    const row = store.lastCallsRow();
    const [first] = row === undefined ? [] : (JSON.parse(row) as (LogLine | RestoreFrom)[]);
    this.#unreadBefore = first && isRestoreFrom(first) ? first.restoreFrom : 0;
  }

  /** Reads what a restore needs. `onLine` receives each line of a call in order. */
  restore(onLine: (line: LineOfCall) => void): void {
    for (const { position, row } of this.#store.callsFrom(this.#unreadBefore)) {
      const lines = linesOf(row);
      for (const line of lines) if ('call' in line) onLine(line);
      this.#completeCopies.record(position, this.#completeIn(lines));
    }
  }

  /** The position of the newest row; 0 if there is none. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** Everything from this position on has been read. */
  get unreadBefore(): number {
    return this.#unreadBefore;
  }

  /**
   * Reads what {@link restore} has left out, once. Returns the calls as they were then; those that have ended since are partial.
   */
  readHistory(onLine: (line: LineOfCall) => void): Iterable<CallRecord> {
    const end = this.#unreadBefore;
    this.#unreadBefore = 0;
    const calls = new Map<string, CallRecord>();
    if (end === 0) return calls.values();
    for (const { position, row } of this.#store.callsFrom(0)) {
      if (position >= end) break;
      for (const line of linesOf(row)) {
        if (!('call' in line)) continue;
        calls.set(line.call.callid, applyLine(line, calls.get(line.call.callid)));
        onLine(line);
      }
    }
    return calls.values();
  }

  /** The first number that is surely kept. */
  get firstKept(): number {
    return this.#store.segments.firstKept;
  }

  /**
   * Writes lines in order. Returns how many rows that took.
   * @param commandsFrom the oldest position that a restore of running commands needs
   */
  append(lines: readonly LogLine[], commandsFrom: number, now: number): number {
    const [oldest] = lines;
    if (!oldest) return 0;
    // Nothing is dropped before all of them are written: the copies of what is dropped have higher numbers.
    const segment = this.#store.segments.writable(oldest.seq, lines.length * LINE_CHARACTERS, now);
    const rows = rowsOf(lines.map((line) => withPast(line, segment.first, this.#findWhole)));
    for (const { position, batch, texts } of rows) {
      this.#completeCopies.record(position, this.#completeIn(batch));
      const restoreFrom = Math.max(0, Math.min(this.#completeCopies.oldest, position - this.#maxCopyAge));
      this.#store.appendCalls(segment, position, `[${[JSON.stringify({ restoreFrom }), ...texts].join()}]`);
      this.#lastPosition = position;
    }
    this.#store.segments.trimIfOpened(now, commandsFrom);
    return rows.length;
  }

  /** Forgets the copies of a call that has ended. */
  forget(record: CallRecord): void {
    this.#completeCopies.forget(record);
  }

  /** Returns the active calls whose last complete copy is before a position. */
  copiedBefore(position: number): Iterable<CallRecord> {
    return this.#completeCopies.storedBefore(position);
  }

  /** Returns active calls whose last complete copy is too old, as many as fit into a row. */
  outdated(lastSeq: number, activeCount: number): CallRecord[] {
    const records: CallRecord[] = [];
    const position = lastSeq - this.#maxCopyAge - COPY_AGE_PER_CALL * activeCount;
    for (const record of this.copiedBefore(position)) if (records.push(record) === MAX_ROW_LINES) break;
    return records;
  }

  /** Before a segment of the log is dropped, `copyCalls` must copy the calls that are only found before its end. */
  beforeDrop(copyCalls: (end: number, now: number) => void): void {
    this.#store.segments.beforeDrop(copyCalls);
  }

  /** Returns the active calls that these lines, with the lines that follow, make complete. */
  #completeIn(lines: readonly LogLine[]): CallRecord[] {
    return lines.flatMap((line) => {
      const record = 'call' in line && !isPartialLine(line) ? this.#find(line.call.callid) : undefined;
      return record && record.call.state !== 'ended' ? [record] : [];
    });
  }
}

/** Lines that are written as one row, which has the position of the last one. */
interface Row {
  position: number;
  readonly batch: LogLine[];
  readonly texts: string[];
}

function rowsOf(lines: readonly LogLine[]): Row[] {
  const rows: Row[] = [];
  let characters = 0;
  for (const line of lines) {
    const text = JSON.stringify(line);
    let row = rows.at(-1);
    if (!row || row.batch.length >= MAX_ROW_LINES || characters >= MAX_ROW_CHARACTERS) {
      row = { position: 0, batch: [], texts: [] };
      rows.push(row);
      characters = 0;
    }
    row.position = line.seq;
    row.batch.push(line);
    row.texts.push(text);
    characters += text.length;
  }
  return rows;
}

function isRestoreFrom(line: LogLine | RestoreFrom): line is RestoreFrom {
  return 'restoreFrom' in line;
}
