/**
 * What came of tries, written together: each write is a wait for the disk, on one machine of the thread that calls
 * share. Until then a delivery still counts as due in the log, so who reads that writes first. If we die before, it is
 * sent again, under the same id.
 * @module
 */
import type { Attempt } from '../../shared/webhooks.ts';
import { load } from '../load.ts';
import type { Deliveries, Delivery } from './deliveries.ts';
import type { Endpoints } from './endpoints.ts';
import type { Verdict } from './verdict.ts';

/** A try that is over. */
export interface Tried {
  readonly delivery: Delivery;
  readonly attempt: Attempt;
  /** How many it makes. */
  readonly tries: number;
  readonly verdict: Verdict;
}

export class Results {
  readonly #storage: Pick<DurableObjectStorage, 'transactionSync'>;
  readonly #endpoints: Endpoints;
  readonly #deliveries: Deliveries;
  readonly #written: () => void;
  #gathered: Tried[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param written is called after what was gathered has been written for its time had come */
  constructor(
    storage: Pick<DurableObjectStorage, 'transactionSync'>,
    { endpoints, deliveries }: { readonly endpoints: Endpoints; readonly deliveries: Deliveries },
    written: () => void,
  ) {
    this.#storage = storage;
    this.#endpoints = endpoints;
    this.#deliveries = deliveries;
    this.#written = written;
  }

  /** What holds for the endpoint from now on is written at once, the rest soon. */
  add(tried: Tried): void {
    this.#gathered.push(tried);
    const { verdict } = tried;
    if ('quietUntil' in verdict || 'disable' in verdict) this.write();
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.write();
      this.#written();
    }, load.gatherMs(Date.now()));
  }

  /** Writes what is gathered, in one transaction. */
  write(): void {
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#storage.transactionSync(() => {
      for (const tried of gathered) this.#note(tried);
    });
  }

  /** Forgets what is gathered: there is nothing any more that it could be written to. */
  end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#gathered = [];
  }

  #note({ delivery, attempt, tries, verdict }: Tried): void {
    this.#deliveries.tried(delivery, attempt, tries, verdict);
    const { endpoint } = delivery;
    if ('quietUntil' in verdict && verdict.quietUntil !== undefined)
      this.#endpoints.silence(endpoint, verdict.quietUntil);
    if ('disable' in verdict && verdict.disable !== undefined)
      this.#endpoints.disable(endpoint, verdict.disable);
  }
}
