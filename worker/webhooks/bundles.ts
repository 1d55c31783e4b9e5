/**
 * Deliveries that nobody has had to do with one by one yet: many in a row, so that it costs little to keep what a busy
 * site hands over, and that a receiver which is away costs no more. They are opened when it is their turn, or somebody
 * asks for them.
 * @module
 */
import { type Chunk, eventsIn } from './chunk.ts';
import type { Delivery } from './deliveries.ts';

/** What is known of a bundle without opening it. */
export type Bundle = {
  /** Number of its first delivery; the others have those that follow. */
  readonly n: number;
  readonly count: number;
  /** When all of it was handed over and became due, in Unix milliseconds. */
  readonly created: number;
};

/** A part of what was handed over: events, and the epoch of those who number them. */
export interface Part<Of = Chunk> {
  /** With the number it names an event. */
  readonly epoch: string;
  readonly chunk: Of;
}

/** A delivery of which nothing has been tried yet. */
export type Fresh = Pick<Delivery, 'n' | 'endpoint' | 'id' | 'type' | 'about' | 'body' | 'created'>;

const KNOWN = 'n, count, created';

export class Bundles {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Keeps a chunk for an endpoint, due now, under the numbers from `n` on. */
  add(endpoint: string, n: number, { epoch, chunk }: Part, now: number): void {
    this.#sql.exec(
      'INSERT INTO bundles (n, count, endpoint, created, epoch, lines) VALUES (?, ?, ?, ?, ?, ?)',
      n,
      chunk.count,
      endpoint,
      now,
      epoch,
      chunk.lines,
    );
  }

  /** Of an endpoint's the one that became due first. */
  oldest(endpoint: string): Bundle | undefined {
    return this.#sql
      .exec<Bundle>(`SELECT ${KNOWN} FROM bundles WHERE endpoint = ? ORDER BY n LIMIT 1`, endpoint)
      .toArray()[0];
  }

  /** Of those of an endpoint that begin before a number, the last: it has the number before it, if any has. */
  before(endpoint: string, n: number): Bundle | undefined {
    return this.#sql
      .exec<Bundle>(
        `SELECT ${KNOWN} FROM bundles WHERE endpoint = ? AND n < ? ORDER BY n DESC LIMIT 1`,
        endpoint,
        n,
      )
      .toArray()[0];
  }

  /** Takes out what is in one. */
  open({ n }: Bundle): Fresh[] {
    const { endpoint, created, epoch, lines } = this.#sql
      .exec<{ endpoint: string; created: number; epoch: string; lines: string }>(
        'DELETE FROM bundles WHERE n = ? RETURNING endpoint, created, epoch, lines',
        n,
      )
      .one();
    return freshOf({ epoch, chunk: { lines } }, { n, endpoint, created });
  }

  /** How many deliveries of an endpoint are in bundles. */
  count(endpoint: string): number {
    return this.#sql
      .exec<{ n: number }>('SELECT coalesce(sum(count), 0) AS n FROM bundles WHERE endpoint = ?', endpoint)
      .one().n;
  }

  /** The oldest of all, and whose it is. */
  get first(): (Bundle & { readonly endpoint: string }) | undefined {
    return this.#sql
      .exec<Bundle & { endpoint: string }>(`SELECT ${KNOWN}, endpoint FROM bundles ORDER BY n LIMIT 1`)
      .toArray()[0];
  }

  drop({ n }: Bundle): void {
    this.#sql.exec('DELETE FROM bundles WHERE n = ?', n);
  }

  /** Drops all of an endpoint. */
  clear(endpoint: string): void {
    this.#sql.exec('DELETE FROM bundles WHERE endpoint = ?', endpoint);
  }
}

/** What is in a part, one by one. The same event is told every endpoint under the same id, and each time that it is handed over. */
export function freshOf(
  { epoch, chunk }: Part<Pick<Chunk, 'lines'>>,
  { n, endpoint, created }: Pick<Fresh, 'n' | 'endpoint' | 'created'>,
): Fresh[] {
  return eventsIn(chunk).map(({ seq, type, about, body }, at) => {
    return { n: n + at, endpoint, id: `msg_${epoch}_${seq}`, type, about, body, created };
  });
}
