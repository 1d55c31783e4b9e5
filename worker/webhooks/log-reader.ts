/**
 * Reads events from the log of the site and turns them into deliveries: for each endpoint only as many as can be sent
 * next, so that calls do not notice how far behind a receiver is. Events are read earlier only where the log will drop
 * them soon, or where the endpoint is disabled.
 * @module
 */
import { DEFAULT_RETENTION } from '../objects/retention.ts';
import type { DeliveryLog } from './delivery-log.ts';
import { REFILL_THRESHOLD } from './endpoint-queue.ts';
import type { EndpointStore } from './endpoints.ts';
import type { LogPage, LogPosition, LogRange } from './log-range.ts';
import type { PendingRange, PendingRanges } from './pending-ranges.ts';
import { RESPONSE_TIMEOUT_MS } from './send-webhook.ts';

/** When the log is read again after an error, in milliseconds. */
const RETRY_DELAY_MS = 5_000;

/** A read that has not finished by then was lost with an evicted object, and starts again. */
const LEASE_MS = RESPONSE_TIMEOUT_MS + 5_000;

/**
 * How many numbers of the log an endpoint may be behind before its events are read in any case: two of the five segments
 * that the log keeps.
 */
export const MAX_LAG = 2 * DEFAULT_RETENTION.segmentPositions;

/** The pause between two pages, in milliseconds: some 2,000 events or 20,000 numbers a second, and calls run between. */
const PAGE_INTERVAL_MS = 20;

export interface LogReaderOptions {
  readonly storage: DurableObjectStorage;
  readonly endpoints: EndpointStore;
  readonly deliveries: DeliveryLog;
  readonly ranges: PendingRanges;
  /** Reads the log of the site; null where its epoch is another by now. */
  readonly readLog: (range: LogRange) => Promise<LogPage | null>;
  /** Is called when an endpoint has new deliveries. @param hasDropped whether others were dropped to make space */
  readonly onDeliveries: (endpointId: string, hasDropped: boolean) => void;
}

export class LogReader {
  readonly #options: LogReaderOptions;
  /** Endpoints for which the log is being read. */
  readonly #reading = new Set<string>();
  /** When the log could not be read, in Unix milliseconds; undefined when it is being read again. */
  #failedAt: number | undefined;
  #isStopped = false;

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  /** Records how far the log goes. Returns whether any endpoint wants to be notified further. */
  onLogPosition({ epoch, startSeq, lastSeq, retentionMs }: LogPosition, now: number): boolean {
    const { storage, endpoints, ranges } = this.#options;
    const subscribed = endpoints.list().filter(({ enabled }) => enabled);
    // What is still to be read leaves the log as it grows, so positions matter until it has been read.
    if (subscribed.length === 0 && !ranges.hasAny) return false;
    const known = this.#position;
    const afterSeq = Math.max(known.epoch === epoch ? known.lastSeq : 0, startSeq);
    storage.transactionSync(() => {
      if (known.epoch !== epoch) ranges.clear();
      if (lastSeq > afterSeq)
        for (const endpoint of subscribed) ranges.add(endpoint, { afterSeq, lastSeq, retentionMs }, now);
      if (known.epoch !== epoch || lastSeq > afterSeq)
        storage.sql.exec('UPDATE site SET epoch = ?, last_seq = ?', epoch, Math.max(afterSeq, lastSeq));
    });
    return true;
  }

  /** Starts to read for an endpoint where it is time to. New deliveries are reported by `onDeliveries`. */
  readNext(endpointId: string): void {
    if (this.#isStopped || this.#reading.has(endpointId) || !this.#isReadDue(endpointId, Date.now())) return;
    this.#reading.add(endpointId);
    this.#failedAt = undefined;
    void this.#read(endpointId).finally(() => this.#reading.delete(endpointId));
  }

  /** Starts to read for all endpoints where it is time to. */
  readNextForAll(): void {
    for (const { id } of this.#options.endpoints.list()) this.readNext(id);
  }

  /** When {@link readNextForAll} is due, in Unix milliseconds; infinity for never. */
  due(now: number): number {
    return Math.min(...this.#options.endpoints.list().map(({ id }) => this.#dueOf(id, now)));
  }

  /** Stops reading, because the site has been deleted. */
  stop(): void {
    this.#isStopped = true;
  }

  #dueOf(endpointId: string, now: number): number {
    const range = this.#options.ranges.oldest(endpointId);
    if (!range) return Number.POSITIVE_INFINITY;
    if (this.#failedAt !== undefined && this.#isReadDue(endpointId, now))
      return Math.max(now, this.#failedAt + RETRY_DELAY_MS);
    if (this.#reading.has(endpointId)) return now + LEASE_MS;
    // While the object is awake, a queue that runs low asks for more by itself.
    const { quietUntil = 0 } = this.#options.endpoints.get(endpointId) ?? {};
    return Math.min(range.readBy, Math.max(quietUntil, now + LEASE_MS));
  }

  /** Never rejects. */
  async #read(endpointId: string): Promise<void> {
    const { ranges, readLog } = this.#options;
    try {
      for (;;) {
        const now = Date.now();
        const range = this.#isStopped ? undefined : ranges.oldest(endpointId);
        if (!range || !this.#isReadDue(endpointId, now)) return;
        const { afterSeq, lastSeq, events, addresses } = range;
        const { epoch } = this.#position;
        const page = await readLog({ epoch, afterSeq, lastSeq, events, addresses });
        if (this.#isStopped) return;
        if (epoch === this.#position.epoch) this.#store(epoch, range, page);
        if (this.#isReadDue(endpointId, Date.now()))
          await new Promise((resume) => setTimeout(resume, PAGE_INTERVAL_MS));
      }
    } catch (error) {
      console.warn(
        `Could not read the site's log for webhook ${endpointId}; retrying in ${RETRY_DELAY_MS} ms`,
        error,
      );
      this.#failedAt = Date.now();
      if (!this.#isStopped) this.#options.onDeliveries(endpointId, false);
    }
  }

  /** Stores the events of a page as deliveries. */
  #store(epoch: string, range: PendingRange, page: LogPage | null): void {
    const { storage, endpoints, deliveries, ranges, onDeliveries } = this.#options;
    const { endpointId } = range;
    const { events, lastSeq, lostCount } = page ?? {
      events: [],
      lastSeq: range.lastSeq,
      lostCount: range.lastSeq - range.afterSeq,
    };
    let [isStored, hasDropped] = [false, false];
    storage.transactionSync(() => {
      isStored = ranges.advance(range, lastSeq);
      if (!isStored) return;
      const created = events.map(({ seq, type, orderingKey, body }) => {
        // An event has the same id for each endpoint, and each time that it is read.
        return { endpointId, messageId: `msg_${epoch}_${seq}`, type, orderingKey, body };
      });
      const dropped = new Map(deliveries.add(created, Date.now()));
      hasDropped = dropped.size > 0;
      if (lostCount > 0) dropped.set(endpointId, (dropped.get(endpointId) ?? 0) + lostCount);
      for (const [id, count] of dropped) {
        console.warn(
          `${count} deliveries of webhook ${id} were dropped: the delivery log is full, or the site's log no longer had them`,
        );
        endpoints.addDropped(id, count);
      }
    });
    if (isStored) onDeliveries(endpointId, hasDropped);
  }

  /** Returns whether it is time to read for an endpoint. */
  #isReadDue(endpointId: string, now: number): boolean {
    const range = this.#options.ranges.oldest(endpointId);
    if (!range) return false;
    if (this.#isUrgent(range, now)) return true;
    const { quietUntil = 0 } = this.#options.endpoints.get(endpointId) ?? {};
    return quietUntil <= now && this.#options.deliveries.hasFewerDue(endpointId, now, REFILL_THRESHOLD);
  }

  /** Returns whether the log may drop a range soon, or its endpoint is disabled. */
  #isUrgent({ endpointId, afterSeq, readBy }: PendingRange, now: number): boolean {
    return (
      now >= readBy ||
      this.#position.lastSeq - afterSeq > MAX_LAG ||
      this.#options.endpoints.get(endpointId)?.enabled === false
    );
  }

  /** How far the log is known to go. */
  get #position(): Pick<LogPosition, 'epoch' | 'lastSeq'> {
    const [row] = this.#options.storage.sql
      .exec<{ epoch: string; last_seq: number }>('SELECT epoch, last_seq FROM site')
      .toArray();
    return { epoch: row?.epoch ?? '', lastSeq: row?.last_seq ?? 0 };
  }
}
