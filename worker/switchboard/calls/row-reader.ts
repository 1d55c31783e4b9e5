/** Reads single rows of the call log. Lines that are read one after the other are often in the same rows. @module */
import type { CommandLog } from '../store/command-log.ts';
import type { LineOfCall, LogLine } from './call-lines.ts';

/** Rows that are kept: of calls that are read one after the other, each has a few hundred characters to some 500,000. */
const MAX_KEPT = 4;

export class RowReader {
  readonly #store: CommandLog;
  readonly #parse: (row: string) => readonly LogLine[];
  /** Lines of calls by position, the row that was read last at the end. */
  readonly #kept = new Map<number, readonly LineOfCall[]>();
  /** Characters of all rows that were read so far. */
  charactersRead = 0;

  constructor(store: CommandLog, parse: (row: string) => readonly LogLine[]) {
    this.#store = store;
    this.#parse = parse;
  }

  /** Returns the newest line in a row that is the one; undefined if the row has none. */
  line(position: number, isTheOne: (line: LineOfCall) => boolean): LineOfCall | undefined {
    return this.#lines(position).findLast(isTheOne);
  }

  /** Forgets the rows that were read: they take memory. */
  clear(): void {
    this.#kept.clear();
  }

  #lines(position: number): readonly LineOfCall[] {
    const kept = this.#kept.get(position);
    if (kept) return kept;
    const row = this.#store.callsAt(position) ?? '[]';
    this.charactersRead += row.length;
    const lines = this.#parse(row).filter((line): line is LineOfCall => 'call' in line);
    this.#kept.set(position, lines);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return lines;
  }
}
