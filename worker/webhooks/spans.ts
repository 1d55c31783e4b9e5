/**
 * What endpoints are to be told and nobody has read yet: spans of the numbers of their site, of which its log says what
 * happened. However much that is, and however long a receiver is away, it is a row or a few.
 * @module
 */
import type { Filter } from '../../shared/webhooks.ts';
import type { Endpoint } from './endpoints.ts';

/** Of the numbers after one, up to another, what an endpoint wanted when they were told. */
export interface Span extends Filter {
  readonly id: number;
  readonly endpoint: string;
  readonly after: number;
  readonly upto: number;
  /** When it is to be read at the latest, since the log does not keep it for ever; in Unix milliseconds. */
  readonly leaves: number;
}

/** One takes in what follows for this part of the time that the log keeps, and is read before half of that is over. */
const OPEN_PART = 1 / 8;
const READ_PART = 1 / 2;

export class Spans {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** An endpoint is to be told of those numbers, as far as it wants to now. @param keptMs the log keeps them for so long */
  add(
    { id, events, addresses }: Endpoint,
    { after, upto, keptMs }: { readonly after: number; readonly upto: number; readonly keptMs: number },
    now: number,
  ): void {
    const filter = JSON.stringify({ events, addresses });
    const { rowsWritten } = this.#sql.exec(
      `UPDATE spans SET upto = ? WHERE id = (SELECT max(id) FROM spans WHERE endpoint = ?)
         AND upto = ? AND filter = ? AND closes > ?`,
      upto,
      id,
      after,
      filter,
      now,
    );
    if (rowsWritten > 0) return;
    this.#sql.exec(
      'INSERT INTO spans (endpoint, after, upto, filter, closes, leaves) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      after,
      upto,
      filter,
      now + keptMs * OPEN_PART,
      now + keptMs * READ_PART,
    );
  }

  /** Of an endpoint's the one that is to be read first. */
  first(endpoint: string): Span | undefined {
    return this.#sql
      .exec<Row>('SELECT * FROM spans WHERE endpoint = ? ORDER BY id LIMIT 1', endpoint)
      .toArray()
      .map(read)[0];
  }

  /**
   * Of a span all until that number is read. False where it is not as it was any more: what was read is of no use then,
   * and nothing has changed.
   */
  took({ id, endpoint, after }: Span, upto: number): boolean {
    const [left] = this.#sql
      .exec<{ upto: number }>(
        'UPDATE spans SET after = ? WHERE id = ? AND endpoint = ? AND after = ? RETURNING upto',
        upto,
        id,
        endpoint,
        after,
      )
      .toArray();
    if (left && left.upto <= upto) this.#sql.exec('DELETE FROM spans WHERE id = ?', id);
    return left !== undefined;
  }

  /** So many numbers are to be read for an endpoint. */
  behind(endpoint: string): number {
    return this.#sql
      .exec<{ n: number }>(
        'SELECT coalesce(sum(upto - after), 0) AS n FROM spans WHERE endpoint = ?',
        endpoint,
      )
      .one().n;
  }

  /** Is anything to be read? */
  get any(): boolean {
    return this.#sql.exec('SELECT 1 FROM spans LIMIT 1').toArray().length > 0;
  }

  /** Drops those of an endpoint, or all. */
  clear(endpoint?: string): void {
    this.#sql.exec('DELETE FROM spans WHERE ?1 IS NULL OR endpoint = ?1', endpoint ?? null);
  }
}

type Row = Omit<Span, keyof Filter> & { filter: string };

function read({ filter, ...row }: Row): Span {
  return { ...row, ...(JSON.parse(filter) as Filter) };
}
