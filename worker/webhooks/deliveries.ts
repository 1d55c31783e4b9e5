/** The log of a site's deliveries: those that wait, and for a while those that are over. @module */
import type { Attempt, DeliveriesQuery, DeliveryState } from '../../shared/webhooks.ts';
import type { Verdict } from './verdict.ts';

export interface Delivery {
  /** Never used again. */
  readonly n: number;
  readonly endpoint: string;
  /** `webhook-id`: the same for each endpoint that is told of it. */
  readonly id: string;
  readonly type: string;
  /** The command or the call whose it is; empty: nobody's. */
  readonly about: string;
  readonly body: string;
  readonly created: number;
  readonly state: DeliveryState;
  /** Of the schedule; a replay begins it anew. */
  readonly tries: number;
  /** When it is tried next, in Unix milliseconds; null: it is over. */
  readonly due: number | null;
  readonly attempts: readonly Attempt[];
}

/** What is to be delivered. */
export type Fresh = Pick<Delivery, 'endpoint' | 'id' | 'type' | 'about' | 'body'>;

/**
 * So many are kept of a site: a CallStart has some twenty, of 600 bytes mostly, so that is a receiver away for 10,000 calls
 * and 150 MB. Of more, those that are over go first, then the oldest.
 */
export const MOST_DELIVERIES = 200_000;

/** Past that so many are dropped together: finding them may read the whole log. */
const DROPPED_TOGETHER = 2_000;

/** So long each, in milliseconds: the schedule takes three days, and a failure is to be seen for as long after it. */
export const DELIVERY_KEPT_MS = 7 * 86_400_000;

/** So many tries are told of each; replays may add any number. */
const ATTEMPTS = 20;

export class Deliveries {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /**
   * Adds some, due now. Gives how many that waited had to make room, by endpoint.
   * @param most so many are kept
   */
  add(fresh: readonly Fresh[], now: number, most = MOST_DELIVERIES): ReadonlyMap<string, number> {
    const { next, kept } = this.#sql
      .exec<{ next: number; kept: number }>(
        'UPDATE site SET next = next + ?1, kept = kept + ?1 RETURNING next, kept',
        fresh.length,
      )
      .one();
    for (const [at, { endpoint, id, type, about, body }] of fresh.entries()) {
      this.#sql.exec(
        "INSERT INTO deliveries (n, endpoint, id, type, about, body, created, state, due) VALUES (?, ?, ?, ?, ?, ?, ?7, 'waiting', ?7)",
        next - fresh.length + at,
        endpoint,
        id,
        type,
        about,
        body,
        now,
      );
    }
    const together = Math.min(DROPPED_TOGETHER, most / 100);
    return kept < most + together ? new Map() : this.#makeRoom(kept - most);
  }

  /** Adds one, due now. */
  addOne(fresh: Fresh, now: number): Delivery | undefined {
    this.add([fresh], now);
    return this.list(fresh.endpoint, { limit: 1 })[0];
  }

  /** Are fewer due to an endpoint than so many? */
  isShort(endpoint: string, now: number, most: number): boolean {
    return (
      this.#sql
        .exec('SELECT 1 FROM deliveries WHERE endpoint = ? AND due <= ? LIMIT ?', endpoint, now, most)
        .toArray().length < most
    );
  }

  /** Those of an endpoint that are due, of those that became due first: `most` of them. */
  dueBy(endpoint: string, now: number, most: number): Delivery[] {
    return this.#sql
      .exec<Row>(
        'SELECT * FROM deliveries WHERE endpoint = ? AND due <= ? ORDER BY due, n LIMIT ?',
        endpoint,
        now,
        most,
      )
      .toArray()
      .map(read);
  }

  /** When the next one of an endpoint is due after that time, in Unix milliseconds; infinity where none waits so long. */
  dueOf(endpoint: string, after = 0): number {
    const { due } = this.#sql
      .exec<{ due: number | null }>(
        'SELECT min(due) AS due FROM deliveries WHERE endpoint = ? AND due > ?',
        endpoint,
        after,
      )
      .one();
    return due ?? Number.POSITIVE_INFINITY;
  }

  /** Notes a try and what came of it. One that was deleted meanwhile is no more. */
  tried({ n, attempts }: Delivery, attempt: Attempt, tries: number, verdict: Verdict): void {
    this.#sql.exec(
      'UPDATE deliveries SET state = ?, tries = ?, due = ?, attempts = ? WHERE n = ?',
      verdict.is,
      tries,
      verdict.is === 'waiting' ? verdict.due : null,
      JSON.stringify([...attempts, attempt].slice(-ATTEMPTS)),
      n,
    );
  }

  /** Sends it once more, however it stands: the schedule begins anew. False where there is none. */
  replay(endpoint: string, n: number, now: number): boolean {
    return (
      this.#sql.exec(
        "UPDATE deliveries SET state = 'waiting', tries = 0, due = ? WHERE n = ? AND endpoint = ?",
        now,
        n,
        endpoint,
      ).rowsWritten > 0
    );
  }

  get(endpoint: string, n: number): Delivery | undefined {
    return this.#sql
      .exec<Row>('SELECT * FROM deliveries WHERE n = ? AND endpoint = ?', n, endpoint)
      .toArray()
      .map(read)[0];
  }

  /** Newest first, from before number `before` on. */
  list(endpoint: string, { state, limit, before = Number.MAX_SAFE_INTEGER }: DeliveriesQuery): Delivery[] {
    return this.#sql
      .exec<Row>(
        'SELECT * FROM deliveries WHERE endpoint = ?1 AND n < ?2 AND (?3 IS NULL OR state = ?3) ORDER BY n DESC LIMIT ?4',
        endpoint,
        before,
        state ?? null,
        limit,
      )
      .toArray()
      .map(read);
  }

  /** How many of an endpoint are not over. */
  waiting(endpoint: string): number {
    return this.#count(
      'SELECT count(*) AS n FROM deliveries WHERE endpoint = ? AND due IS NOT NULL',
      endpoint,
    );
  }

  /** How many of an endpoint have failed for good. */
  failed(endpoint: string): number {
    return this.#count(
      "SELECT count(*) AS n FROM deliveries WHERE endpoint = ? AND state = 'failed'",
      endpoint,
    );
  }

  /** When {@link trim} is due, in Unix milliseconds; infinity where nothing is kept. */
  get due(): number {
    const [oldest] = this.#sql
      .exec<{ created: number }>('SELECT created FROM deliveries ORDER BY n LIMIT 1')
      .toArray();
    return oldest ? oldest.created + DELIVERY_KEPT_MS : Number.POSITIVE_INFINITY;
  }

  /** Drops what is too old. */
  trim(now: number): void {
    if (now < this.due) return;
    this.#sql.exec('DELETE FROM deliveries WHERE created <= ?', now - DELIVERY_KEPT_MS);
    this.#recount();
  }

  /** Drops all of an endpoint. */
  clear(endpoint: string): void {
    this.#sql.exec('DELETE FROM deliveries WHERE endpoint = ?', endpoint);
    this.#recount();
  }

  #makeRoom(excess: number): Map<string, number> {
    const dropped = this.#sql
      .exec<{ endpoint: string; due: number | null }>(
        `DELETE FROM deliveries WHERE n IN (
           SELECT n FROM deliveries ORDER BY due IS NOT NULL, n LIMIT ?
         ) RETURNING endpoint, due`,
        excess,
      )
      .toArray();
    // Not counted anew: that would read all that is kept.
    this.#sql.exec('UPDATE site SET kept = kept - ?', dropped.length);
    const waited = new Map<string, number>();
    for (const { endpoint, due } of dropped)
      if (due !== null) waited.set(endpoint, (waited.get(endpoint) ?? 0) + 1);
    return waited;
  }

  #recount(): void {
    this.#sql.exec('UPDATE site SET kept = (SELECT count(*) FROM deliveries)');
  }

  #count(query: string, endpoint: string): number {
    return this.#sql.exec<{ n: number }>(query, endpoint).one().n;
  }
}

type Row = Omit<Delivery, 'attempts'> & { attempts: string };

function read({ attempts, ...row }: Row): Delivery {
  return { ...row, attempts: JSON.parse(attempts) as Attempt[] };
}
