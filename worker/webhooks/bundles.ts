/**
 * Deliveries that nobody has had to do with one by one yet: many in a row, so that it costs little to keep what a busy
 * site hands over, and that a receiver which is away costs no more. They are opened when it is their turn, or somebody
 * asks for them.
 * @module
 */
import type { Delivery, Fresh } from './deliveries.ts';
import { fromLines, toLines } from './lines.ts';

/** What is known of a bundle without opening it. */
export type Bundle = {
  /** Number of its first delivery; the others have those that follow. */
  readonly n: number;
  readonly count: number;
  /** When all of it was handed over and became due, in Unix milliseconds. */
  readonly created: number;
};

/** What is in one. */
export type Bundled = Pick<Delivery, 'n' | 'endpoint' | 'id' | 'type' | 'about' | 'body' | 'created'>;

const KNOWN = 'n, count, created';

export class Bundles {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Keeps some of an endpoint, due now, under the numbers from `n` on. */
  add(endpoint: string, n: number, fresh: readonly Omit<Fresh, 'endpoint'>[], now: number): void {
    this.#sql.exec(
      'INSERT INTO bundles (n, count, endpoint, created, lines) VALUES (?, ?, ?, ?, ?)',
      n,
      fresh.length,
      endpoint,
      now,
      toLines(fresh.map(({ id, type, about, body }) => [[id, type, about], body])),
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
  open({ n }: Bundle): Bundled[] {
    const { endpoint, created, lines } = this.#sql
      .exec<{ endpoint: string; created: number; lines: string }>(
        'DELETE FROM bundles WHERE n = ? RETURNING endpoint, created, lines',
        n,
      )
      .one();
    return fromLines<Head>(lines).map(([[id, type, about], body], at) => {
      return { n: n + at, endpoint, id, type, about, body, created };
    });
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

type Head = [id: string, type: string, about: string];
