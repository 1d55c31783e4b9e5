/**
 * The log of a site's calls: rows of lines. It knows for each call which row has its newest line. From time to time a checkpoint has
 * what memory has of all calls, so that a restore reads little of the log, and the rest is read when a client needs it.
 * @module
 */
import type { CommandLog } from '../store/command-log.ts';
import { contentOf, firstSeqOf, type LineOfCall, type LogLine } from './call-lines.ts';
import type { CallRecord } from './call-record.ts';
import { type CheckpointCall, checkpointOf, checkpointRows } from './checkpoint.ts';
import type { CallContent } from './compact-call.ts';
import { EndedCalls } from './ended-calls.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { linesOf, RowReader, rowOf } from './row-reader.ts';

/** Lines in a row. */
export const MAX_ROW_LINES = 250;

/**
 * Characters at which a row is full, so that a page of a replay (`store/stored-page.ts`) has room for it. One more line, with the longest
 * Call-IDs, metadata and timeline, has some 50 KB.
 */
const MAX_ROW_CHARACTERS = 98_304;

/** What a restore passes on. */
export interface RestoreListener {
  /** An active call that has no line after the checkpoint. */
  onStored(call: CheckpointCall): CallRecord;
  /** Each line after the checkpoint, in order. */
  onLine(line: LineOfCall): void;
  /** The newest line of each call that has one after the checkpoint, in order. */
  onNewest(line: LineOfCall): void;
}

export class CallLog {
  readonly #store: CommandLog;
  readonly #find: (callid: string) => CallRecord | undefined;
  readonly #limits: MemoryLimits;
  readonly #rows: RowReader;
  /** Active calls in the order of the rows that have their newest lines. */
  readonly #active = new Set<CallRecord>();
  readonly #ended = new EndedCalls();
  /** Lines that have gone along with rows of commands, and are still to be written here. */
  readonly #pending: LogLine[] = [];
  #lastPosition: number;
  /** Characters of the log that a restore reads after the checkpoint. */
  #tail = 0;
  /** {@link writeCheckpointIfDue} writes one at this number of them. */
  #maxTail: number;

  /** @param find finds a call in memory */
  constructor(store: CommandLog, find: (callid: string) => CallRecord | undefined, limits: MemoryLimits) {
    this.#store = store;
    this.#find = find;
    this.#limits = limits;
    this.#maxTail = limits.minTail;
    this.#rows = new RowReader(store);
    this.#lastPosition = store.lastCallsPosition;
  }

  /** Reads the checkpoint, and the log after it. Of ended calls, which are many, `onNewest` receives the last ones only. */
  restore(listener: RestoreListener): void {
    const { position, rows } = this.#store.checkpoint.read();
    const { calls, ended } = checkpointOf(rows);
    this.#setCheckpoint(rows);
    const newest = this.#readTail(position, listener);
    this.#restorePending(newest, listener);
    for (const call of calls) if (!newest.has(call[0])) this.#active.add(listener.onStored(call));
    this.#ended.restore(ended);
    let endedCount = 0;
    for (const { line } of newest.values()) if (line.call.state === 'ended') endedCount++;
    for (const { line, position } of newest.values()) {
      const isOld = line.call.state === 'ended' && endedCount-- > this.#limits.maxEnded;
      if (!isOld || position === undefined) listener.onNewest(line);
      if (position !== undefined) this.#noteLine(line, position);
    }
  }

  /** Reads a call from its newest line. */
  read({ callid, position }: CallRecord): CallContent {
    const line = this.#rows.lineOf(position, callid);
    if (line) return contentOf(line);
    throw new Error(`The log has no line of the call ${callid} at position ${position}`);
  }

  /** The ended calls in the log. */
  get endedCalls(): EndedCalls {
    return this.#ended;
  }

  /** The rows that are read one by one. */
  get rows(): RowReader {
    return this.#rows;
  }

  /** Whether lines that have gone along with rows of commands are to be written here. */
  get isPendingDue(): boolean {
    return this.hasPending && this.#store.isTailFull;
  }

  /** Whether lines have gone along with rows of commands, and are not written here yet. */
  get hasPending(): boolean {
    return this.#pending.length > 0;
  }

  /** Lines are stored with a row of commands. {@link append} writes them together with others, and they count as not written until then. */
  postpone(lines: readonly LogLine[]): void {
    this.#pending.push(...lines);
    this.#lastPosition = lines.at(-1)?.seq ?? this.#lastPosition;
  }

  /** The number of the newest line; 0 if there is none. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** The first number that is surely kept. */
  get firstKept(): number {
    return this.#store.segments.firstKept;
  }

  /**
   * Writes the postponed lines and then others, in order. Returns how many rows that took.
   * @param commandsFrom the oldest position that a restore of running commands needs
   */
  append(newest: readonly LogLine[], commandsFrom: number, now: number): number {
    const pending = this.#pending.splice(0);
    const lines = [...pending, ...newest];
    const [oldest] = lines;
    if (!oldest) return 0;
    // Nothing is dropped before all of them are written: the copies of what is dropped have higher numbers.
    const rows = rowsOf(lines);
    const last = rows.at(-1);
    // Postponed lines have older numbers than the segment that they are written to, which is not dropped as soon as those are.
    if (last && pending.length > 0) last.position = Math.max(last.position, this.#store.lastPosition);
    const characters = rows.reduce((sum, row) => sum + row.characters, 0);
    const segment = this.#store.segments.writable(oldest.seq, characters, now);
    for (const { position, batch, texts } of rows) {
      for (const line of batch) if ('call' in line) this.#noteLine(line, position);
      this.#store.appendCalls(segment, position, rowOf(texts));
      this.#lastPosition = position;
    }
    this.#tail += characters;
    this.#store.segments.trimIfOpened(now, commandsFrom);
    return rows.length;
  }

  /**
   * Writes a checkpoint if the log after the last one has at least as many characters: a restore reads little, and all checkpoints together
   * have at most twice the characters of the log. See {@link writeCheckpoint}.
   */
  writeCheckpointIfDue(): number {
    return this.#tail < this.#maxTail ? 0 : this.writeCheckpoint();
  }

  /** Writes a checkpoint. Everything must be written before. Returns how many rows that took. */
  writeCheckpoint(): number {
    const calls = Array.from(this.#active, (record) => record.toCheckpoint(this.#limits.maxText));
    const rows = checkpointRows({ ended: this.#ended.numbers, calls });
    this.#store.checkpoint.write({ position: this.#lastPosition, rows });
    this.#tail = 0;
    this.#setCheckpoint(rows);
    return rows.length;
  }

  /** A call has ended, so that a restore needs its lines no more. */
  onEnded(record: CallRecord): void {
    this.#active.delete(record);
  }

  /** Returns the oldest active calls that are only in a row before a position, at most `max`: a checkpoint does not contain them. */
  onlyBefore(position: number, max: number): readonly CallRecord[] {
    const records: CallRecord[] = [];
    for (const record of this.#active) {
      if (record.position >= position || records.length >= max) break;
      if (record.shortText(this.#limits.maxText) === undefined) records.push(record);
    }
    return records;
  }

  /** Before a segment of the log is dropped, `copyCalls` must copy what is only found before its end. It returns whether it has copied all. */
  beforeDrop(copyCalls: (end: number, now: number) => boolean): void {
    this.#store.segments.beforeDrop(copyCalls);
  }

  #setCheckpoint(rows: readonly string[]): void {
    const characters = rows.reduce((sum, row) => sum + row.length, 0);
    this.#maxTail = Math.max(this.#limits.minTail, characters);
  }

  /** Reads the log after a checkpoint. Returns the newest line of each call in it, and where it is. */
  #readTail(end: number, { onLine }: RestoreListener): NewestLines {
    const newest: NewestLines = new Map();
    for (const { position, row } of this.#store.callsFrom(end + 1)) {
      this.#tail += row.length;
      for (const line of linesOf(row)) {
        if (!('call' in line)) continue;
        onLine(line);
        newest.delete(line.call.callid);
        newest.set(line.call.callid, { line, position });
      }
    }
    return newest;
  }

  /** Adds the lines that are in no row of this log yet. */
  #restorePending(newest: NewestLines, { onLine }: RestoreListener): void {
    this.postpone(this.#store.restoredLines as readonly LogLine[]);
    for (const line of this.#pending) {
      if (!('call' in line)) continue;
      onLine(line);
      newest.delete(line.call.callid);
      newest.set(line.call.callid, { line, position: undefined });
    }
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

/** The newest line of each call, and the row that has it; undefined if it is in none yet. */
type NewestLines = Map<string, { readonly line: LineOfCall; readonly position: number | undefined }>;

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
