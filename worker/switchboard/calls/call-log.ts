/**
 * The log of a site's calls: rows of lines. It knows for each call which row has its newest line, and each row says from which position
 * those of all active calls are found. So a restore reads little, and the rest only when a client needs it.
 * @module
 */
import type { CommandLog } from '../store/command-log.ts';
import { contentOf, firstSeqOf, type LineOfCall, type LogLine } from './call-lines.ts';
import type { CallRecord } from './call-record.ts';
import type { CallContent } from './compact-call.ts';
import { EndedCalls } from './ended-calls.ts';
import { RowReader } from './row-reader.ts';

/** Lines in a row. */
export const MAX_ROW_LINES = 250;

/**
 * Characters at which a row is full, so that a page of a replay (`store/stored-page.ts`) has room for it. One more line, with the longest
 * Call-IDs, metadata and timeline, has some 50 KB.
 */
const MAX_ROW_CHARACTERS = 98_304;

/**
 * An active call is copied when its newest line is this many positions old, plus some for each active call. A restore
 * also reads the calls that have ended since then, of which more events may arrive.
 */
const MAX_COPY_AGE = 2_000;
const COPY_AGE_PER_CALL = 8;

/** The first element of a row: from that position on, each call that was active when the row was written has its newest line. */
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
  readonly #maxCopyAge: number;
  readonly #rows: RowReader;
  /** Active calls in the order of the rows that have their newest lines. */
  readonly #active = new Set<CallRecord>();
  readonly #ended = new EndedCalls();
  #lastPosition: number;
  /** Rows before this position have not been read. */
  #unreadBefore: number;

  /**
   * @param find finds a call in memory
   * @param maxCopyAge see {@link MAX_COPY_AGE}
   */
  constructor(
    store: CommandLog,
    find: (callid: string) => CallRecord | undefined,
    maxCopyAge = MAX_COPY_AGE,
  ) {
    this.#store = store;
    this.#find = find;
    this.#maxCopyAge = maxCopyAge;
    this.#rows = new RowReader(store, linesOf);
    this.#lastPosition = store.lastCallsPosition;
    const row = store.lastCallsRow();
    const [first] = row === undefined ? [] : (JSON.parse(row) as (LogLine | RestoreFrom)[]);
    this.#unreadBefore = first && isRestoreFrom(first) ? first.restoreFrom : 0;
  }

  /**
   * Reads what a restore needs. `onNewest` receives the newest line of each call, in order; of ended calls, which are many, only those of
   * the last `maxEnded`. `onEach` receives each line before.
   */
  restore(maxEnded: number, onEach: (line: LineOfCall) => void, onNewest: (line: LineOfCall) => void): void {
    const newest = new Map<string, { readonly line: LineOfCall; readonly position: number }>();
    let endedCount = 0;
    for (const { position, row } of this.#store.callsFrom(this.#unreadBefore)) {
      for (const line of linesOf(row)) {
        if (!('call' in line)) continue;
        onEach(line);
        const { callid, state } = line.call;
        if (newest.get(callid)?.line.call.state === 'ended') endedCount--;
        if (state === 'ended') endedCount++;
        newest.delete(callid);
        newest.set(callid, { line, position });
      }
    }
    for (const { line, position } of newest.values()) {
      const isOld = line.call.state === 'ended' && endedCount-- > maxEnded;
      if (!isOld) onNewest(line);
      this.#noteLine(line, position);
    }
  }

  /** Reads a call from its newest line. */
  read({ callid, position }: CallRecord): CallContent {
    const line = this.#rows.line(position, (each) => each.call.callid === callid);
    if (line) return contentOf(line);
    throw new Error(`The log has no line of the call ${callid} at position ${position}`);
  }

  /** The ended calls in the log, as far as it has been read. */
  get ended(): EndedCalls {
    return this.#ended;
  }

  /** The rows that are read one by one. */
  get rows(): RowReader {
    return this.#rows;
  }

  /** The position of the newest row; 0 if there is none. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** Everything from this position on has been read. */
  get unreadBefore(): number {
    return this.#unreadBefore;
  }

  /** Reads what {@link restore} has left out, once: where the calls are that had ended. */
  readHistory(onLine: (line: LineOfCall) => void): void {
    const end = this.#unreadBefore;
    this.#unreadBefore = 0;
    if (end === 0) return;
    const older = new EndedCalls();
    for (const { position, row } of this.#store.callsFrom(0)) {
      if (position >= end) break;
      for (const line of linesOf(row)) {
        if (!('call' in line)) continue;
        onLine(line);
        const { callid, state } = line.call;
        if (state !== 'ended') older.delete(callid);
        else if (!this.#find(callid)) older.set(callid, { firstSeq: firstSeqOf(line), position });
      }
    }
    this.#ended.prepend(older);
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
    const rows = rowsOf(lines);
    const characters = rows.reduce((sum, row) => sum + row.characters, 0);
    const segment = this.#store.segments.writable(oldest.seq, characters, now);
    for (const { position, batch, texts } of rows) {
      for (const line of batch) if ('call' in line) this.#noteLine(line, position);
      const restoreFrom = Math.max(0, Math.min(this.#oldestPosition, position - this.#maxCopyAge));
      this.#store.appendCalls(segment, position, `[${[JSON.stringify({ restoreFrom }), ...texts].join()}]`);
      this.#lastPosition = position;
    }
    this.#store.segments.trimIfOpened(now, commandsFrom);
    return rows.length;
  }

  /** A call has ended, so that a restore needs its lines no more. */
  onEnded(record: CallRecord): void {
    this.#active.delete(record);
  }

  /** Yields the active calls whose newest line is before a position. */
  *activeBefore(position: number): Generator<CallRecord> {
    for (const record of this.#active) {
      if (record.position >= position) return;
      yield record;
    }
  }

  /** Returns active calls whose newest line is too old, as many as fit into a row. */
  outdated(lastSeq: number, activeCount: number): CallRecord[] {
    const records: CallRecord[] = [];
    const position = lastSeq - this.#maxCopyAge - COPY_AGE_PER_CALL * activeCount;
    for (const record of this.activeBefore(position)) if (records.push(record) === MAX_ROW_LINES) break;
    return records;
  }

  /** Before a segment of the log is dropped, `copyCalls` must copy the calls that are only found before its end. */
  beforeDrop(copyCalls: (end: number, now: number) => void): void {
    this.#store.segments.beforeDrop(copyCalls);
  }

  /** The position of the oldest row that a restore of the active calls needs. */
  get #oldestPosition(): number {
    const [oldest] = this.#active;
    return oldest?.position ?? Number.POSITIVE_INFINITY;
  }

  /** The row at this position has a line of a call, which is its newest one so far. */
  #noteLine(line: LineOfCall, position: number): void {
    const { callid, state } = line.call;
    const record = this.#find(callid);
    if (record) {
      record.position = position;
      this.#active.delete(record);
      if (state !== 'ended') this.#active.add(record);
    }
    if (state === 'ended') this.#ended.set(callid, { firstSeq: firstSeqOf(line), position });
    else this.#ended.delete(callid);
  }
}

/** Lines that are written as one row, which has the position of the last one. */
interface Row {
  position: number;
  readonly batch: LogLine[];
  readonly texts: string[];
  characters: number;
}

function rowsOf(lines: readonly LogLine[]): Row[] {
  const rows: Row[] = [];
  for (const line of lines) {
    const text = JSON.stringify(line);
    let row = rows.at(-1);
    if (!row || row.batch.length >= MAX_ROW_LINES || row.characters >= MAX_ROW_CHARACTERS) {
      row = { position: 0, batch: [], texts: [], characters: 0 };
      rows.push(row);
    }
    row.position = line.seq;
    row.batch.push(line);
    row.texts.push(text);
    row.characters += text.length;
  }
  return rows;
}

function isRestoreFrom(line: LogLine | RestoreFrom): line is RestoreFrom {
  return 'restoreFrom' in line;
}
