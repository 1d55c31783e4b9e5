/**
 * The deliveries of one endpoint while the object is awake: read in batches, sent a few at a time, and those of the same
 * call or command one after the other. Pure except for its parameters.
 * @module
 */
import type { Delivery } from './delivery-log.ts';
import type { Rate, RateLimiter } from './rate-limiter.ts';

/**
 * For a healthy endpoint: at most four requests in flight, and four started per 8 ms. On one machine a request costs the
 * thread that calls share 0.2 to 0.4 ms, so a receiver that answers at once would take the whole thread while it catches
 * up; this way it takes a sixth. A receiver that is 8 ms away or more is as fast as without a limit: one that is 50 ms
 * away takes 80 a second.
 */
export const HEALTHY_RATE: Rate = { requests: 4, windowMs: 8 };

/**
 * For an endpoint whose last attempt failed: one request at a time, 50 a second. That is enough to see that it still
 * fails, and deliveries that wait for a retry lose nothing. The first success makes the endpoint healthy.
 */
export const FAILING_RATE: Rate = { requests: 1, windowMs: 20 };

/**
 * While calls are busy (`worker/objects/load-meter.ts`): 25 a second, which takes 1 to 2 % of the thread and is not
 * noticeable. Calls are seldom busy for long, and the rest is sent afterwards.
 */
export const BUSY_RATE: Rate = { requests: 1, windowMs: 40 };

/**
 * Calls may be busy all day, but events must be delivered anyway: an endpoint that has been behind for
 * {@link OVERDUE_AFTER_MS} is sent four per 40 ms, a hundred a second. Four at once, because each one that follows
 * another takes half as long.
 */
export const OVERDUE_RATE: Rate = { requests: 4, windowMs: 40 };

export const OVERDUE_AFTER_MS = 30_000;

/**
 * How many deliveries are read at once. At least one of them can be sent, unless a single call has as many; that call
 * only delays itself.
 */
export const BATCH_SIZE = 64;

/**
 * Below this number of due deliveries, more events are read from the log. It is more than a second's worth while calls
 * are busy. Reading, like sending, is unnoticeable in small portions.
 */
export const REFILL_THRESHOLD = 32;

/** Reads the first {@link BATCH_SIZE} deliveries that are due, in the order in which they became due. */
export type ReadDue = () => readonly Delivery[];

export class EndpointQueue {
  readonly #limiter: Pick<RateLimiter, 'take'>;
  readonly #isBusy: (now: number) => boolean;
  /** Deliveries that are due and not in flight. */
  #batch: Delivery[] = [];
  /** More deliveries may be due than the batch contains, or more could be read from the log. */
  #hasMoreDue = false;
  /** A delivery may have become due since the batch was read. */
  #isStale = false;
  /** The ordering keys of the deliveries in flight, by number. */
  readonly #inFlight = new Map<number, string>();
  /** The deliveries in flight that are to be sent again, whatever their attempts lead to. */
  readonly #replayed = new Set<number>();
  #isHealthy = true;
  /** Since when there has always been something to send, in Unix milliseconds; undefined while there is nothing. */
  #behindSince: number | undefined;

  /** @param isBusy returns whether calls need the thread */
  constructor(limiter: Pick<RateLimiter, 'take'>, isBusy: (now: number) => boolean) {
    this.#limiter = limiter;
    this.#isBusy = isBusy;
  }

  /** Returns whether anything is in flight. */
  get isSending(): boolean {
    return this.#inFlight.size > 0;
  }

  /** Returns whether there is more to send, as soon as the requests in flight and the rate allow it. */
  get hasMore(): boolean {
    return this.#isStale || this.#hasMoreDue || this.#batch.length > 0;
  }

  /** Notes that a delivery may have become due. */
  invalidate(): void {
    this.#isStale = true;
  }

  /** Discards the batch, because the log has changed. It is read again. */
  discardBatch(): void {
    this.#batch = [];
    this.#isStale = true;
  }

  /** Notes that a delivery is to be sent again now. If it is in flight, it is sent when its attempt has finished. */
  replay(number: number): void {
    this.discardBatch();
    if (this.#inFlight.has(number)) this.#replayed.add(number);
  }

  /** Sends nothing more until {@link invalidate} is called. */
  stop(): void {
    this.#batch = [];
    this.#hasMoreDue = false;
    this.#isStale = false;
    this.#behindSince = undefined;
  }

  /**
   * Returns the next delivery to send, which is in flight from now on; undefined where there is none, or where none may
   * be sent now.
   */
  next(readDue: ReadDue, now: number): Delivery | undefined {
    if (this.#inFlight.size >= (this.#isHealthy ? HEALTHY_RATE : FAILING_RATE).requests) return undefined;
    let index = this.#firstSendable;
    // The whole batch may wait for requests in flight, while newer deliveries wait for nothing.
    if (index < 0 && (this.#isStale || (this.#hasMoreDue && this.#batch.length === 0))) {
      this.#fill(readDue());
      index = this.#firstSendable;
    }
    if (this.#batch.length === 0) this.#behindSince = undefined;
    else this.#behindSince ??= now;
    if (index < 0 || !this.#limiter.take(this.#rateAt(now))) return undefined;
    const [delivery] = this.#batch.splice(index, 1);
    if (delivery) this.#inFlight.set(delivery.number, delivery.orderingKey);
    return delivery;
  }

  /**
   * Records that a delivery is no longer in flight. Returns whether it was replayed meanwhile: then the result of the attempt
   * decides nothing.
   * @param isDelivered undefined where the result is unknown
   */
  onFinished({ number }: Pick<Delivery, 'number'>, isDelivered: boolean | undefined): boolean {
    this.#inFlight.delete(number);
    if (isDelivered !== undefined) this.#isHealthy = isDelivered;
    const isReplayed = this.#replayed.delete(number);
    if (isReplayed) this.#isStale = true;
    return isReplayed;
  }

  /** The index of the first delivery of the batch whose ordering key is not in flight; -1 for none. */
  get #firstSendable(): number {
    const keysInFlight = new Set(this.#inFlight.values());
    return this.#batch.findIndex(({ orderingKey }) => !keysInFlight.has(orderingKey));
  }

  #rateAt(now: number): Rate {
    const isBusy = this.#isBusy(now);
    if (!this.#isHealthy) return isBusy ? BUSY_RATE : FAILING_RATE;
    if (!isBusy) return HEALTHY_RATE;
    return now >= (this.#behindSince ?? now) + OVERDUE_AFTER_MS ? OVERDUE_RATE : BUSY_RATE;
  }

  #fill(due: readonly Delivery[]): void {
    this.#hasMoreDue = due.length >= REFILL_THRESHOLD;
    this.#isStale = false;
    this.#batch = due.filter(({ number }) => !this.#inFlight.has(number));
  }
}
