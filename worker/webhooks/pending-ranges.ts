/**
 * The ranges of the site's log that are still to be read for each endpoint. However many events they contain and
 * however long a receiver is away, an endpoint has one row or a few.
 * @module
 */
import type { EventFilter } from '../../shared/protocol/webhooks/events.ts';
import type { Endpoint } from './endpoints.ts';

/** A range of the log, with the filter that the endpoint had when its events happened. */
export interface PendingRange extends EventFilter {
  readonly id: number;
  readonly endpointId: string;
  /** Exclusive. */
  readonly afterSeq: number;
  /** Inclusive. */
  readonly lastSeq: number;
  /** The latest time to read it, before the log drops it, in Unix milliseconds. */
  readonly readBy: number;
}

/** A range is extended for this fraction of the time that the log keeps its events … */
const EXTENSION_FRACTION = 1 / 8;
/** … and is read before this fraction has passed. */
const READ_FRACTION = 1 / 2;

export class PendingRanges {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Adds a range for an endpoint, with its current filter. @param retentionMs how long the log keeps the events */
  add(
    { id, events, addresses }: Endpoint,
    {
      afterSeq,
      lastSeq,
      retentionMs,
    }: { readonly afterSeq: number; readonly lastSeq: number; readonly retentionMs: number },
    now: number,
  ): void {
    const filter = JSON.stringify({ events, addresses });
    const { rowsWritten } = this.#sql.exec(
      `UPDATE pending_ranges SET last_seq = ? WHERE id = (SELECT max(id) FROM pending_ranges WHERE endpoint_id = ?)
         AND last_seq = ? AND filter = ? AND extend_until > ?`,
      lastSeq,
      id,
      afterSeq,
      filter,
      now,
    );
    if (rowsWritten > 0) return;
    this.#sql.exec(
      `INSERT INTO pending_ranges (endpoint_id, after_seq, last_seq, filter, extend_until, read_by)
       VALUES (?, ?, ?, ?, ?, ?)`,
      id,
      afterSeq,
      lastSeq,
      filter,
      now + retentionMs * EXTENSION_FRACTION,
      now + retentionMs * READ_FRACTION,
    );
  }

  /** Returns the range of an endpoint that is to be read first. */
  oldest(endpointId: string): PendingRange | undefined {
    return this.#sql
      .exec<RangeRow>('SELECT * FROM pending_ranges WHERE endpoint_id = ? ORDER BY id LIMIT 1', endpointId)
      .toArray()
      .map(fromRow)[0];
  }

  /**
   * Records that a range has been read up to `lastSeq`. Returns false and changes nothing where the range is not as it
   * was when it was read: then the events that were read must not be used.
   */
  advance({ id, endpointId, afterSeq }: PendingRange, lastSeq: number): boolean {
    const [advanced] = this.#sql
      .exec<{ last_seq: number }>(
        `UPDATE pending_ranges SET after_seq = ? WHERE id = ? AND endpoint_id = ? AND after_seq = ?
         RETURNING last_seq`,
        lastSeq,
        id,
        endpointId,
        afterSeq,
      )
      .toArray();
    if (advanced && advanced.last_seq <= lastSeq)
      this.#sql.exec('DELETE FROM pending_ranges WHERE id = ?', id);
    return advanced !== undefined;
  }

  /** Returns how many numbers of the log are still to be read for an endpoint. */
  countPending(endpointId: string): number {
    return this.#sql
      .exec<{ count: number }>(
        'SELECT coalesce(sum(last_seq - after_seq), 0) AS count FROM pending_ranges WHERE endpoint_id = ?',
        endpointId,
      )
      .one().count;
  }

  /** Returns whether anything is still to be read. */
  get hasAny(): boolean {
    return this.#sql.exec('SELECT 1 FROM pending_ranges LIMIT 1').toArray().length > 0;
  }

  /** Drops the ranges of one endpoint, or of all endpoints. */
  clear(endpointId?: string): void {
    this.#sql.exec('DELETE FROM pending_ranges WHERE ?1 IS NULL OR endpoint_id = ?1', endpointId ?? null);
  }
}

type RangeRow = {
  id: number;
  endpoint_id: string;
  after_seq: number;
  last_seq: number;
  filter: string;
  read_by: number;
};

function fromRow({ id, endpoint_id, after_seq, last_seq, filter, read_by }: RangeRow): PendingRange {
  return {
    id,
    endpointId: endpoint_id,
    afterSeq: after_seq,
    lastSeq: last_seq,
    readBy: read_by,
    ...(JSON.parse(filter) as EventFilter),
  };
}
