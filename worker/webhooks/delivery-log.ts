/** The log of a site's deliveries: those that are waiting and, for a while, those that are finished. @module */

import { byteLength } from '../../shared/protocol/byte-length.ts';
import type {
  DeliveriesQuery,
  DeliveryAttempt,
  DeliveryState,
} from '../../shared/protocol/webhooks/deliveries.ts';
import type { DeliveryOutcome } from './delivery-outcome.ts';

export interface Delivery {
  /** Never used again. */
  readonly number: number;
  readonly endpointId: string;
  /** `webhook-id`: the same event has the same id at each endpoint. */
  readonly messageId: string;
  readonly type: string;
  /** The command or call of the event; empty for neither. Deliveries with the same key are sent in order. */
  readonly orderingKey: string;
  readonly body: string;
  readonly createdAt: number;
  readonly state: DeliveryState;
  /** Attempts of the current schedule. A replay starts at 0 again. */
  readonly attemptCount: number;
  /** When the next attempt is due, in Unix milliseconds; null when the delivery is finished. */
  readonly due: number | null;
  readonly attempts: readonly DeliveryAttempt[];
}

/** A delivery that is to be added to the log. */
export type NewDelivery = Pick<Delivery, 'endpointId' | 'messageId' | 'type' | 'orderingKey' | 'body'>;

/** How many deliveries of a site are kept. Beyond that, finished ones are dropped first, then the oldest. */
export interface DeliveryLimits {
  readonly count: number;
  /** Bytes of all bodies. */
  readonly bytes: number;
}

/**
 * A CallStart leads to some twenty deliveries, mostly of 600 bytes, so a receiver may be away for 10,000 calls, which take 150 MB. With
 * long metadata a delivery has some 3 KB, and it may be away for 4,000.
 */
const LIMITS: DeliveryLimits = { count: 200_000, bytes: 256 * 2 ** 20 };

/** The share of the deliveries that is dropped at once, and not one by one: finding those to drop may read the whole log. */
const DROPPED_SHARE = 0.01;

/**
 * How long a delivery is kept, in milliseconds: the retry schedule takes three days, and a failed delivery stays visible
 * for about as long afterwards.
 */
export const DELIVERY_TTL_MS = 7 * 86_400_000;

/** How many attempts the log keeps of a delivery: replays may add any number. */
const MAX_LOGGED_ATTEMPTS = 20;

/** SQL for the bytes of a body: `length` of a text counts characters. */
const BODY_BYTES = 'length(CAST(body AS BLOB))';

export class DeliveryLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Adds deliveries that are due now. Returns how many waiting deliveries were dropped to make space, by endpoint. */
  add(deliveries: readonly NewDelivery[], now: number, limits = LIMITS): ReadonlyMap<string, number> {
    const added = deliveries.reduce((sum, { body }) => sum + byteLength(body), 0);
    const { delivery_count: count, delivery_bytes: bytes } = this.#sql
      .exec<{ delivery_count: number; delivery_bytes: number }>(
        `UPDATE site SET delivery_count = delivery_count + ?, delivery_bytes = delivery_bytes + ?
         RETURNING delivery_count, delivery_bytes`,
        deliveries.length,
        added,
      )
      .one();
    for (const { endpointId, messageId, type, orderingKey, body } of deliveries) {
      this.#sql.exec(
        `INSERT INTO deliveries (endpoint_id, message_id, type, ordering_key, body, created_at, state, due)
         VALUES (?, ?, ?, ?, ?, ?6, 'waiting', ?6)`,
        endpointId,
        messageId,
        type,
        orderingKey,
        body,
        now,
      );
    }
    const tooManyForBytes = bytes > limits.bytes ? Math.ceil((count * (bytes - limits.bytes)) / bytes) : 0;
    const tooMany = Math.max(count - limits.count, tooManyForBytes);
    return tooMany < Math.max(1, count * DROPPED_SHARE) ? new Map() : this.#drop(tooMany);
  }

  /** Adds one delivery that is due now. */
  addOne(delivery: NewDelivery, now: number): Delivery | undefined {
    this.add([delivery], now);
    return this.list(delivery.endpointId, { limit: 1 })[0];
  }

  /** Returns whether fewer than `count` deliveries of an endpoint are due. */
  hasFewerDue(endpointId: string, now: number, count: number): boolean {
    return (
      this.#sql
        .exec('SELECT 1 FROM deliveries WHERE endpoint_id = ? AND due <= ? LIMIT ?', endpointId, now, count)
        .toArray().length < count
    );
  }

  /** Returns the first `limit` deliveries of an endpoint that are due, in the order in which they became due. */
  listDue(endpointId: string, now: number, limit: number): Delivery[] {
    return this.#sql
      .exec<DeliveryRow>(
        'SELECT * FROM deliveries WHERE endpoint_id = ? AND due <= ? ORDER BY due, number LIMIT ?',
        endpointId,
        now,
        limit,
      )
      .toArray()
      .map(fromRow);
  }

  /** Returns the first time after `after` when a delivery of an endpoint is due, in Unix milliseconds; or infinity. */
  nextDue(endpointId: string, after = 0): number {
    const { due } = this.#sql
      .exec<{ due: number | null }>(
        'SELECT min(due) AS due FROM deliveries WHERE endpoint_id = ? AND due > ?',
        endpointId,
        after,
      )
      .one();
    return due ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Records an attempt and its result. A delivery that has been deleted meanwhile stays deleted.
   * @param result undefined for one that has been replayed meanwhile: it stays due
   */
  recordAttempt(
    { number, attempts }: Delivery,
    attempt: DeliveryAttempt,
    result: { readonly attemptCount: number; readonly outcome: DeliveryOutcome } | undefined,
  ): void {
    const logged = JSON.stringify([...attempts, attempt].slice(-MAX_LOGGED_ATTEMPTS));
    if (!result) {
      this.#sql.exec('UPDATE deliveries SET attempts = ? WHERE number = ?', logged, number);
      return;
    }
    const { attemptCount, outcome } = result;
    this.#sql.exec(
      'UPDATE deliveries SET state = ?, attempt_count = ?, due = ?, attempts = ? WHERE number = ?',
      outcome.state,
      attemptCount,
      outcome.state === 'waiting' ? outcome.due : null,
      logged,
      number,
    );
  }

  /** Makes a delivery due again in any state, and restarts its schedule. Returns false where there is none. */
  replay(endpointId: string, number: number, now: number): boolean {
    return (
      this.#sql.exec(
        `UPDATE deliveries SET state = 'waiting', attempt_count = 0, due = ? WHERE number = ? AND endpoint_id = ?`,
        now,
        number,
        endpointId,
      ).rowsWritten > 0
    );
  }

  get(endpointId: string, number: number): Delivery | undefined {
    return this.#sql
      .exec<DeliveryRow>('SELECT * FROM deliveries WHERE number = ? AND endpoint_id = ?', number, endpointId)
      .toArray()
      .map(fromRow)[0];
  }

  /** Returns the deliveries of an endpoint, newest first, starting before number `before`. */
  list(endpointId: string, { state, limit, before = Number.MAX_SAFE_INTEGER }: DeliveriesQuery): Delivery[] {
    return this.#sql
      .exec<DeliveryRow>(
        `SELECT * FROM deliveries WHERE endpoint_id = ?1 AND number < ?2 AND (?3 IS NULL OR state = ?3)
         ORDER BY number DESC LIMIT ?4`,
        endpointId,
        before,
        state ?? null,
        limit,
      )
      .toArray()
      .map(fromRow);
  }

  /** Returns how many deliveries of an endpoint are not finished. */
  countWaiting(endpointId: string): number {
    return this.#count(
      'SELECT count(*) AS count FROM deliveries WHERE endpoint_id = ? AND due IS NOT NULL',
      endpointId,
    );
  }

  /** Returns how many deliveries of an endpoint have failed for good. */
  countFailed(endpointId: string): number {
    return this.#count(
      "SELECT count(*) AS count FROM deliveries WHERE endpoint_id = ? AND state = 'failed'",
      endpointId,
    );
  }

  /** When {@link trim} is due, in Unix milliseconds; infinity where the log is empty. */
  get due(): number {
    const [oldest] = this.#sql
      .exec<{ created_at: number }>('SELECT created_at FROM deliveries ORDER BY number LIMIT 1')
      .toArray();
    return oldest ? oldest.created_at + DELIVERY_TTL_MS : Number.POSITIVE_INFINITY;
  }

  /** Drops deliveries that are older than {@link DELIVERY_TTL_MS}. */
  trim(now: number): void {
    if (now < this.due) return;
    this.#sql.exec('DELETE FROM deliveries WHERE created_at <= ?', now - DELIVERY_TTL_MS);
    this.#recount();
  }

  /** Drops all deliveries of an endpoint. */
  clear(endpointId: string): void {
    this.#sql.exec('DELETE FROM deliveries WHERE endpoint_id = ?', endpointId);
    this.#recount();
  }

  #drop(excess: number): Map<string, number> {
    const dropped = this.#sql
      .exec<{ endpoint_id: string; due: number | null; bytes: number }>(
        `DELETE FROM deliveries WHERE number IN (
           SELECT number FROM deliveries ORDER BY due IS NOT NULL, number LIMIT ?
         ) RETURNING endpoint_id, due, ${BODY_BYTES} AS bytes`,
        excess,
      )
      .toArray();
    // Not a recount, which would read the whole log.
    this.#sql.exec(
      'UPDATE site SET delivery_count = delivery_count - ?, delivery_bytes = delivery_bytes - ?',
      dropped.length,
      dropped.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    const waitingDropped = new Map<string, number>();
    for (const { endpoint_id, due } of dropped)
      if (due !== null) waitingDropped.set(endpoint_id, (waitingDropped.get(endpoint_id) ?? 0) + 1);
    return waitingDropped;
  }

  #recount(): void {
    this.#sql.exec(
      `UPDATE site SET (delivery_count, delivery_bytes) =
         (SELECT count(*), coalesce(sum(${BODY_BYTES}), 0) FROM deliveries)`,
    );
  }

  #count(query: string, endpointId: string): number {
    return this.#sql.exec<{ count: number }>(query, endpointId).one().count;
  }
}

type DeliveryRow = {
  number: number;
  endpoint_id: string;
  message_id: string;
  type: string;
  ordering_key: string;
  body: string;
  created_at: number;
  state: DeliveryState;
  attempt_count: number;
  due: number | null;
  attempts: string;
};

function fromRow({ number, type, body, state, due, ...row }: DeliveryRow): Delivery {
  return {
    number,
    endpointId: row.endpoint_id,
    messageId: row.message_id,
    type,
    orderingKey: row.ordering_key,
    body,
    createdAt: row.created_at,
    state,
    attemptCount: row.attempt_count,
    due,
    attempts: JSON.parse(row.attempts) as DeliveryAttempt[],
  };
}
