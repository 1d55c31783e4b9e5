/** Reads single rows of the call log. Lines that are read one after the other are often in the same rows. @module */
import { parseJson } from '../../../shared/protocol/exact-json.ts';
import type { CommandLog } from '../store/command-log.ts';
import type { LineOfCall, LogLine } from './call-lines.ts';

/** Rows that are cached: of calls that are read one after the other, each has a few hundred characters to some 150,000. */
const MAX_CACHED_ROWS = 4;

/** Between two lines of a row. A line has no line feed, because JSON escapes it: so one line is found without parsing the others. */
const SEPARATOR = ',\n';

interface CachedRow {
  readonly text: string;
  /** All of its lines of calls; undefined as long as nobody has needed all. */
  lines?: readonly LineOfCall[];
}

/** Returns the row of lines, each as JSON. */
export function rowOf(lines: readonly string[]): string {
  return `[${lines.join(SEPARATOR)}]`;
}

/** Parses a row. */
export function linesOf(row: string): LogLine[] {
  return parseJson(row) as LogLine[];
}

export class RowReader {
  readonly #store: Pick<CommandLog, 'callsAt'>;
  /** By position, the row that was read last at the end. */
  readonly #cache = new Map<number, CachedRow>();
  /** Characters of all rows that were read so far. */
  charactersRead = 0;

  constructor(store: Pick<CommandLog, 'callsAt'>) {
    this.#store = store;
  }

  /** Returns the newest line of a call in a row; undefined if the row has none. */
  lineOf(position: number, callid: string): LineOfCall | undefined {
    const { text } = this.#row(position);
    const name = JSON.stringify(callid);
    let end = text.length - 1;
    while (end > 0) {
      // A line names other calls, too: the one from which a call was transferred.
      const at = text.lastIndexOf(name, end);
      if (at < 0) return undefined;
      const from = text.lastIndexOf('\n', at) + 1 || 1;
      const separator = text.indexOf(SEPARATOR, at);
      const line = parseJson(text.slice(from, separator < 0 ? text.length - 1 : separator)) as LogLine;
      if ('call' in line && line.call.callid === callid) return line;
      end = from - 1;
    }
    return undefined;
  }

  /** Returns the newest line in a row that is the one; undefined if the row has none. It parses the whole row: see {@link lineOf}. */
  line(position: number, isTheOne: (line: LineOfCall) => boolean): LineOfCall | undefined {
    const row = this.#row(position);
    row.lines ??= linesOf(row.text).filter((line): line is LineOfCall => 'call' in line);
    return row.lines.findLast(isTheOne);
  }

  /** Forgets the rows that were read: they take memory. */
  clear(): void {
    this.#cache.clear();
  }

  #row(position: number): CachedRow {
    const cached = this.#cache.get(position);
    if (cached) return cached;
    const text = this.#store.callsAt(position) ?? '[]';
    this.charactersRead += text.length;
    const row = { text };
    this.#cache.set(position, row);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > MAX_CACHED_ROWS && oldest !== undefined) this.#cache.delete(oldest);
    return row;
  }
}
