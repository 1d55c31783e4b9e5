/** The log of a site's deliveries: those that wait, and for a while those that are over. @module */
import type { Attempt, DeliveriesQuery, DeliveryState } from '../../shared/webhooks.ts';
import { type Bundle, Bundles, type Fresh, freshOf, type Part } from './bundles.ts';
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

/** So many are worth a bundle: to open it costs two rows, and those of a site that has little to tell are sent at once. */
const FEW = 8;

export class Deliveries {
  readonly #sql: SqlStorage;
  readonly #bundles: Bundles;
  readonly #few: number;

  /** @param few see {@link FEW} */
  constructor(sql: SqlStorage, few = FEW) {
    this.#sql = sql;
    this.#few = few;
    this.#bundles = new Bundles(sql);
  }

  /**
   * Adds what an endpoint is told, due now. Gives how many that waited had to make room, by endpoint.
   * @param most so many are kept
   */
  add(endpoint: string, part: Part, now: number, most = MOST_DELIVERIES): ReadonlyMap<string, number> {
    const { count } = part.chunk;
    const { n, kept } = this.#take(count);
    if (count >= this.#few) this.#bundles.add(endpoint, n, part, now);
    else for (const each of freshOf(part, { n, endpoint, created: now })) this.#insert(each);
    const together = Math.min(DROPPED_TOGETHER, most / 100);
    return kept < most + together ? new Map() : this.#makeRoom(kept - most);
  }

  /** Adds one of an endpoint, due now. */
  addOne(one: Omit<Fresh, 'n'>): Delivery | undefined {
    const { n } = this.#take(1);
    this.#insert({ ...one, n });
    return this.get(one.endpoint, n);
  }

  /** Those of an endpoint that are due, of those that became due first: `most` of them. */
  dueBy(endpoint: string, now: number, most: number): Delivery[] {
    const single = this.#singleDueBy(endpoint, now, most);
    const until = Math.min(single[most - 1]?.due ?? now, now);
    let opened = 0;
    while (opened < most) {
      const bundle = this.#bundles.oldest(endpoint);
      if (!bundle || bundle.created > until) break;
      this.#open(bundle);
      opened += bundle.count;
    }
    return opened > 0 ? this.#singleDueBy(endpoint, now, most) : single;
  }

  #singleDueBy(endpoint: string, now: number, most: number): Delivery[] {
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
    const { created = 0 } = this.#bundles.oldest(endpoint) ?? {};
    const dues = [due ?? 0, created].filter((each) => each > after);
    return Math.min(...dues);
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
    this.#openWith(endpoint, n);
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
    this.#openWith(endpoint, n);
    return this.#sql
      .exec<Row>('SELECT * FROM deliveries WHERE n = ? AND endpoint = ?', n, endpoint)
      .toArray()
      .map(read)[0];
  }

  /** Newest first, from before number `before` on. */
  list(endpoint: string, query: DeliveriesQuery): Delivery[] {
    const { state, limit, before = Number.MAX_SAFE_INTEGER } = query;
    for (;;) {
      const page = this.#page(endpoint, query);
      const bundle = this.#bundles.before(endpoint, before);
      const oldest = page[limit - 1]?.n ?? 0;
      if (!bundle || bundle.n + bundle.count <= oldest || (state ?? 'waiting') !== 'waiting') return page;
      this.#open(bundle);
    }
  }

  #page(endpoint: string, { state, limit, before = Number.MAX_SAFE_INTEGER }: DeliveriesQuery): Delivery[] {
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
    const single = this.#count(
      'SELECT count(*) AS n FROM deliveries WHERE endpoint = ? AND due IS NOT NULL',
      endpoint,
    );
    return single + this.#bundles.count(endpoint);
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
    const [single] = this.#sql
      .exec<{ created: number }>('SELECT created FROM deliveries ORDER BY n LIMIT 1')
      .toArray();
    const created = [single, this.#bundles.first].flatMap((oldest) => (oldest ? [oldest.created] : []));
    return Math.min(...created) + DELIVERY_KEPT_MS;
  }

  /** Drops what is too old. */
  trim(now: number): void {
    if (now < this.due) return;
    for (const table of ['deliveries', 'bundles'])
      this.#sql.exec(`DELETE FROM ${table} WHERE created <= ?`, now - DELIVERY_KEPT_MS);
    this.#recount();
  }

  /** Drops all of an endpoint. */
  clear(endpoint: string): void {
    this.#sql.exec('DELETE FROM deliveries WHERE endpoint = ?', endpoint);
    this.#bundles.clear(endpoint);
    this.#recount();
  }

  /** Numbers for so many: the first, and how many are kept with them. */
  #take(count: number): { readonly n: number; readonly kept: number } {
    const { next, kept } = this.#sql
      .exec<{ next: number; kept: number }>(
        'UPDATE site SET next = next + ?1, kept = kept + ?1 RETURNING next, kept',
        count,
      )
      .one();
    return { n: next - count, kept };
  }

  #insert({ n, endpoint, id, type, about, body, created }: Fresh): void {
    this.#sql.exec(
      "INSERT INTO deliveries (n, endpoint, id, type, about, body, created, state, due) VALUES (?, ?, ?, ?, ?, ?, ?7, 'waiting', ?7)",
      n,
      endpoint,
      id,
      type,
      about,
      body,
      created,
    );
  }

  #open(bundle: Bundle): void {
    for (const each of this.#bundles.open(bundle)) this.#insert(each);
  }

  /** Delivery `n` of an endpoint is in no bundle from now on. */
  #openWith(endpoint: string, n: number): void {
    const bundle = this.#bundles.before(endpoint, n + 1);
    if (bundle && n < bundle.n + bundle.count) this.#open(bundle);
  }

  /** Deletes so many or a few more: those that are over first, then the oldest. */
  #makeRoom(excess: number): Map<string, number> {
    const over = this.#sql
      .exec(
        'DELETE FROM deliveries WHERE n IN (SELECT n FROM deliveries WHERE due IS NULL ORDER BY n LIMIT ?) RETURNING n',
        excess,
      )
      .toArray();
    const dropped = new Map<string, number>();
    let left = excess - over.length;
    const drop = (endpoint: string, count: number) => {
      dropped.set(endpoint, (dropped.get(endpoint) ?? 0) + count);
      left -= count;
    };
    while (left > 0) {
      const bundle = this.#bundles.first;
      const single = this.#sql
        .exec<{ endpoint: string }>(
          'DELETE FROM deliveries WHERE n IN (SELECT n FROM deliveries WHERE n < ? ORDER BY n LIMIT ?) RETURNING endpoint',
          bundle?.n ?? Number.MAX_SAFE_INTEGER,
          left,
        )
        .toArray();
      for (const { endpoint } of single) drop(endpoint, 1);
      if (left <= 0 || !bundle) break;
      this.#bundles.drop(bundle);
      drop(bundle.endpoint, bundle.count);
    }
    // Not counted anew: that would read all that is kept.
    this.#sql.exec('UPDATE site SET kept = kept - ?', excess - left);
    return dropped;
  }

  #recount(): void {
    this.#sql.exec(
      'UPDATE site SET kept = (SELECT count(*) FROM deliveries) + (SELECT coalesce(sum(count), 0) FROM bundles)',
    );
  }

  #count(query: string, endpoint: string): number {
    return this.#sql.exec<{ n: number }>(query, endpoint).one().n;
  }
}

type Row = Omit<Delivery, 'attempts'> & { attempts: string };

function read({ attempts, ...row }: Row): Delivery {
  return { ...row, attempts: JSON.parse(attempts) as Attempt[] };
}
