/**
 * Sends the deliveries of a site. Each endpoint has an {@link EndpointQueue} of its own, so none waits for another. A
 * failed delivery waits for its retry while later ones overtake it: the `seq` in the body tells the order.
 * @module
 */
import { loadMeter } from '../objects/load-meter.ts';
import type { Delivery, DeliveryLog } from './delivery-log.ts';
import { outcomeOf } from './delivery-outcome.ts';
import { BATCH_SIZE, EndpointQueue, REFILL_THRESHOLD } from './endpoint-queue.ts';
import { activeSigners, type Endpoint, type EndpointStore } from './endpoints.ts';
import { RateLimiter } from './rate-limiter.ts';
import { type AttemptRecord, ResultBatch } from './result-batch.ts';
import { RESPONSE_TIMEOUT_MS, sendWebhook } from './send-webhook.ts';

/** An attempt that has not finished by then was lost with an evicted object, and is made again. */
const LEASE_MS = RESPONSE_TIMEOUT_MS + 5_000;

/** Deliveries that become due within this time are sent together: each alarm costs a row. */
const ALARM_BATCH_MS = 250;

export interface SenderOptions {
  readonly endpoints: EndpointStore;
  readonly deliveries: DeliveryLog;
  /** See {@link outcomeOf}. */
  readonly schedule: readonly number[];
  /** Is called when results have been written, which may change {@link Sender.due}. */
  readonly onWritten: () => void;
  /** Is called when fewer than {@link REFILL_THRESHOLD} deliveries of an endpoint are due. */
  readonly onQueueLow: (endpointId: string) => void;
}

export class Sender {
  readonly #ctx: DurableObjectState;
  readonly #options: SenderOptions;
  readonly #results: ResultBatch;
  /** By endpoint id. */
  readonly #queues = new Map<string, EndpointQueue>();
  #isStopped = false;

  constructor(ctx: DurableObjectState, options: SenderOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#results = new ResultBatch(ctx.storage, options, options.onWritten);
  }

  /** Sends the due deliveries of all endpoints at the rate that is allowed. */
  sendDue(now: number): void {
    for (const { id } of this.#options.endpoints.list()) this.sendDueTo(id, now);
  }

  /** Sends the due deliveries of one endpoint, as {@link sendDue} does. */
  sendDueTo(endpointId: string, now: number): void {
    this.#queueOf(endpointId).invalidate();
    this.#send(endpointId, now);
  }

  /** Writes the results of finished attempts. Call it before the delivery log is read or changed. */
  writeResults(): void {
    this.#results.write();
  }

  /** Reads again what is queued and not in flight, because the delivery log has changed. */
  invalidate(): void {
    for (const queue of this.#queues.values()) queue.discardBatch();
  }

  /** Sends a delivery again, which the delivery log shows as due. An attempt that is being made does not count. */
  replay(endpointId: string, number: number): void {
    this.#queueOf(endpointId).replay(number);
  }

  /** Stops sending and writing, because the site has been deleted. */
  stop(): void {
    this.#isStopped = true;
    this.#results.discard();
  }

  /** When {@link sendDue} is due, in Unix milliseconds; infinity for never. */
  due(now: number): number {
    return Math.min(...this.#options.endpoints.list().map((endpoint) => this.#dueOf(endpoint, now)));
  }

  #dueOf({ id, enabled, quietUntil }: Endpoint, now: number): number {
    if (!enabled) return Number.POSITIVE_INFINITY;
    const queue = this.#queueOf(id);
    const leaseEnd = queue.isSending || queue.hasMore ? now + LEASE_MS : Number.POSITIVE_INFINITY;
    if (queue.hasMore) return leaseEnd;
    // In the log, deliveries in flight are still due.
    const nextDue = this.#options.deliveries.nextDue(id, queue.isSending ? now : 0);
    return Math.min(leaseEnd, Math.max(nextDue, quietUntil, now + ALARM_BATCH_MS));
  }

  #queueOf(endpointId: string): EndpointQueue {
    const existing = this.#queues.get(endpointId);
    if (existing) return existing;
    const limiter = new RateLimiter(
      (ms, callback) => setTimeout(callback, ms),
      () => this.#send(endpointId, Date.now()),
    );
    const queue = new EndpointQueue(limiter, (now) => loadMeter.isBusy(now));
    this.#queues.set(endpointId, queue);
    return queue;
  }

  #send(endpointId: string, now: number): void {
    if (this.#isStopped) return;
    const { endpoints, deliveries, onQueueLow } = this.#options;
    const queue = this.#queueOf(endpointId);
    const readDue = () => {
      this.#results.write();
      const due = deliveries.listDue(endpointId, now, BATCH_SIZE);
      if (due.length < REFILL_THRESHOLD) onQueueLow(endpointId);
      return due;
    };
    for (;;) {
      const endpoint = endpoints.get(endpointId);
      if (!endpoint?.enabled || endpoint.quietUntil > now) {
        queue.stop();
        return;
      }
      const delivery = queue.next(readDue, now);
      if (!delivery) return;
      this.#ctx.waitUntil(this.#deliver(endpoint, delivery, queue));
    }
  }

  async #deliver(endpoint: Endpoint, delivery: Delivery, queue: EndpointQueue): Promise<void> {
    try {
      const record = await this.#attempt(endpoint, delivery);
      const isReplayed = queue.onFinished(delivery, record.outcome.state === 'delivered');
      if (!this.#isStopped) this.#results.add({ ...record, isReplayed });
    } catch (error) {
      console.error(
        `Delivery ${delivery.number} to webhook ${endpoint.id} failed unexpectedly; the alarm retries it`,
        error,
      );
      queue.onFinished(delivery, undefined);
      return;
    }
    this.#send(endpoint.id, Date.now());
  }

  async #attempt(endpoint: Endpoint, delivery: Delivery): Promise<Omit<AttemptRecord, 'isReplayed'>> {
    const startedAt = Date.now();
    const { id, url, signers } = endpoint;
    const { schedule, endpoints } = this.#options;
    const changeCount = endpoints.changeCountOf(id);
    const { messageId, body } = delivery;
    const request = { url, signers: activeSigners(signers, startedAt), messageId, body };
    const result = await sendWebhook(request, Date.now);
    const now = Date.now();
    const attemptCount = delivery.attemptCount + 1;
    const isEndpointChanged = endpoints.changeCountOf(id) !== changeCount;
    const terms = { schedule, random: Math.random(), isEndpointChanged };
    const outcome = outcomeOf(attemptCount, result, now, terms);
    const attempt = {
      at: new Date(startedAt).toISOString(),
      ms: now - startedAt,
      ...('status' in result ? { status: result.status } : {}),
      ...('error' in outcome ? { error: outcome.error } : {}),
    };
    return { delivery, attempt, attemptCount, outcome };
  }
}
