/** Reads the log of a site in pages that have a bounded number of bytes. @module */
import type { Segment } from './segments.ts';

/**
 * Bytes of rows in a page, and so in a turn: some 3 ms to read and parse. A longer row is a page of its own; the longest has little more
 * than half of that (`MAX_ROW_CHARACTERS` in `calls/call-log.ts`, `MAX_ROW_BYTES` in `shared/runner/log-rows.ts`).
 */
export const MAX_PAGE_BYTES = 262_144;

/** Rows in a page: each has a cost of its own, however short it is. */
export const MAX_PAGE_ROWS = 256;

/** The tables of a segment that have rows by position. */
export type LogTable = 'log' | 'calls';

/** A row of a page; `row` is null if it contains none of the texts that were searched for. */
export type PageRow = { readonly position: number; readonly row: string | null };

export interface StoredPage {
  readonly rows: readonly PageRow[];
  /** The bytes of all rows, also of those without a match: SQLite has read them. */
  readonly bytes: number;
  /** Whether there is nothing after this page. */
  readonly isLast: boolean;
}

/**
 * Reads the rows after a position. Rows that do not match are read by SQLite only, and are neither copied nor parsed.
 * @param texts a row that contains one of them matches; if there are none, every row does
 */
export function readStoredPage(
  sql: SqlStorage,
  segments: Iterable<Segment>,
  table: LogTable,
  after: number,
  texts: readonly string[],
  maxBytes = MAX_PAGE_BYTES,
): StoredPage {
  const rows: PageRow[] = [];
  let bytes = 0;
  for (const { id } of segments) {
    const name = `${table}_${id}`;
    const found = measure(sql, name, after, MAX_PAGE_ROWS + 1 - rows.length);
    const taken = found.findIndex((row, index) => {
      const isFull = rows.length + index >= MAX_PAGE_ROWS || bytes + row.bytes > maxBytes;
      if (isFull && rows.length + index > 0) return true;
      bytes += row.bytes;
      return false;
    });
    const last = found.at(taken < 0 ? -1 : taken - 1)?.position;
    if (last !== undefined && taken !== 0) rows.push(...select(sql, name, after, last, texts));
    if (taken >= 0) return { rows, bytes, isLast: false };
  }
  return { rows, bytes, isLast: true };
}

/** Returns the sizes of the next rows. SQLite knows the size of a text without reading it. */
function measure(sql: SqlStorage, table: string, after: number, limit: number) {
  return sql
    .exec<{ position: number; bytes: number }>(
      `SELECT position, octet_length(row) AS bytes FROM ${table} WHERE position > ? ORDER BY position LIMIT ?`,
      after,
      limit,
    )
    .toArray();
}

function select(sql: SqlStorage, table: string, after: number, last: number, texts: readonly string[]) {
  const isMatch = texts.map(() => 'instr(row, ?) > 0').join(' OR ');
  const column = texts.length === 0 ? 'row' : `CASE WHEN ${isMatch} THEN row END AS row`;
  return sql
    .exec<PageRow>(
      `SELECT position, ${column} FROM ${table} WHERE position > ? AND position <= ? ORDER BY position`,
      ...texts,
      after,
      last,
    )
    .toArray();
}
