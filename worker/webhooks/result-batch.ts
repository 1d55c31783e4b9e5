/**
 * Writes the results of attempts in batches: each write waits for the disk and, on a single machine, costs time of the
 * thread that calls share. Until then the log shows a delivery as due, so write before reading the log. If the object
 * dies first, the delivery is sent again under the same id.
 * @module
 */
import type { DeliveryAttempt } from '../../shared/protocol/webhooks/deliveries.ts';
import { loadMeter } from '../objects/load-meter.ts';
import type { Delivery, DeliveryLog } from './delivery-log.ts';
import type { DeliveryOutcome } from './delivery-outcome.ts';
import type { EndpointStore } from './endpoints.ts';

/** An attempt that has finished. */
export interface AttemptRecord {
  readonly delivery: Delivery;
  readonly attempt: DeliveryAttempt;
  /** Attempts made, including this one. */
  readonly attemptCount: number;
  readonly outcome: DeliveryOutcome;
  /** The delivery was replayed during the attempt: it stays due, whatever the outcome is. */
  readonly isReplayed: boolean;
}

export class ResultBatch {
  readonly #storage: Pick<DurableObjectStorage, 'transactionSync'>;
  readonly #endpoints: EndpointStore;
  readonly #deliveries: DeliveryLog;
  readonly #onWritten: () => void;
  #batch: AttemptRecord[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onWritten is called after the timer has written a batch */
  constructor(
    storage: Pick<DurableObjectStorage, 'transactionSync'>,
    { endpoints, deliveries }: { readonly endpoints: EndpointStore; readonly deliveries: DeliveryLog },
    onWritten: () => void,
  ) {
    this.#storage = storage;
    this.#endpoints = endpoints;
    this.#deliveries = deliveries;
    this.#onWritten = onWritten;
  }

  /** Adds a result. One that changes the endpoint is written at once, the others soon. */
  add(record: AttemptRecord): void {
    this.#batch.push(record);
    const { outcome } = record;
    if ('quietUntil' in outcome || 'disable' in outcome) this.write();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.write();
      this.#onWritten();
    }, loadMeter.batchWindowMs(Date.now()));
  }

  /** Writes the batch in one transaction. */
  write(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#storage.transactionSync(() => {
      for (const record of batch) this.#writeRecord(record);
    });
  }

  /** Discards the batch, because the storage has been deleted. */
  discard(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#batch = [];
  }

  #writeRecord({ delivery, attempt, attemptCount, outcome, isReplayed }: AttemptRecord): void {
    this.#deliveries.recordAttempt(delivery, attempt, isReplayed ? undefined : { attemptCount, outcome });
    const { endpointId } = delivery;
    if ('quietUntil' in outcome && outcome.quietUntil !== undefined)
      this.#endpoints.setQuietUntil(endpointId, outcome.quietUntil);
    if ('disable' in outcome && outcome.disable !== undefined)
      this.#endpoints.disable(endpointId, outcome.disable);
  }
}
