/**
 * Sends the endpoints of a site what is due to them, each in a {@link Lane} of its own, so that none waits for another. What
 * fails waits for its next try, and what comes after it goes past: the `seq` in the body tells the order.
 * @module
 */
import { load } from '../load.ts';
import { ANSWER_MS, attempt } from './attempt.ts';
import type { Deliveries, Delivery } from './deliveries.ts';
import { type Endpoint, type Endpoints, signing } from './endpoints.ts';
import { ENOUGH, Lane, LOT } from './lane.ts';
import { Pace } from './pace.ts';
import { Results, type Tried } from './results.ts';
import { verdict } from './verdict.ts';

/** A try that is under way is over by then, in milliseconds; if not, we were evicted, and it is made again. */
const LEASE_MS = ANSWER_MS + 5_000;

/** What becomes due one after the other is sent together, so many milliseconds later: each waking costs a row. */
const APART_MS = 250;

/** What it works with. */
export interface Means {
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  /** See {@link verdict}. */
  readonly schedule: readonly number[];
  /** When it is {@link Sending.due due} may have changed. */
  readonly written: () => void;
  /** Less is due to an endpoint than it can be sent. */
  readonly short: (endpoint: string) => void;
}

export class Sending {
  readonly #ctx: DurableObjectState;
  readonly #means: Means;
  readonly #results: Results;
  /** By endpoint. */
  readonly #lanes = new Map<string, Lane>();
  #over = false;

  constructor(ctx: DurableObjectState, means: Means) {
    this.#ctx = ctx;
    this.#means = means;
    this.#results = new Results(ctx.storage, means, means.written);
  }

  /** Sends what is due, as far as it may be sent now; the rest follows by itself. */
  go(now: number): void {
    for (const { id } of this.#means.endpoints.list()) this.stir(id, now);
  }

  /** Something may have become due to an endpoint: sends it as {@link go} does. */
  stir(id: string, now: number): void {
    this.#laneOf(id).stir();
    this.#send(id, now);
  }

  /** Writes down what came of tries: before the log is read, or written to by others. */
  write(): void {
    this.#results.write();
  }

  /** The log is not as it was: what was read of it and is not under way is read again. */
  forget(): void {
    for (const lane of this.#lanes.values()) lane.forget();
  }

  /** The site is no more: nothing is sent, and nothing written. */
  end(): void {
    this.#over = true;
    this.#results.end();
  }

  /** When {@link go} is due, in Unix milliseconds; infinity for never. */
  due(now: number): number {
    return Math.min(...this.#means.endpoints.list().map((endpoint) => this.#dueOf(endpoint, now)));
  }

  #dueOf({ id, enabled, quietUntil }: Endpoint, now: number): number {
    if (!enabled) return Number.POSITIVE_INFINITY;
    const lane = this.#laneOf(id);
    const lease = lane.isSending || lane.goesOn ? now + LEASE_MS : Number.POSITIVE_INFINITY;
    if (lane.goesOn) return lease;
    // What is under way counts as due in the log.
    const next = this.#means.deliveries.dueOf(id, lane.isSending ? now : 0);
    return Math.min(lease, Math.max(next, quietUntil, now + APART_MS));
  }

  #laneOf(id: string): Lane {
    const known = this.#lanes.get(id);
    if (known) return known;
    const pace = new Pace(
      (ms, then) => setTimeout(then, ms),
      () => this.#send(id, Date.now()),
    );
    const lane = new Lane(pace, (now) => load.isBusy(now));
    this.#lanes.set(id, lane);
    return lane;
  }

  /** Sends an endpoint what is due, as far as it may be sent now. */
  #send(id: string, now: number): void {
    if (this.#over) return;
    const { endpoints, deliveries, short } = this.#means;
    const lane = this.#laneOf(id);
    const read = () => {
      this.#results.write();
      const due = deliveries.dueBy(id, now, LOT);
      if (due.length < ENOUGH) short(id);
      return due;
    };
    for (;;) {
      const endpoint = endpoints.get(id);
      if (!endpoint?.enabled || endpoint.quietUntil > now) {
        lane.stop();
        return;
      }
      const delivery = lane.next(read, now);
      if (!delivery) return;
      this.#ctx.waitUntil(this.#deliver(endpoint, delivery, lane));
    }
  }

  async #deliver(endpoint: Endpoint, delivery: Delivery, lane: Lane): Promise<void> {
    try {
      const tried = await this.#try(endpoint, delivery);
      lane.ended(delivery, tried.verdict.is === 'delivered');
      if (!this.#over) this.#results.add(tried);
    } catch (error) {
      // The alarm that is set while something is under way goes on.
      console.error('a webhook broke', error);
      lane.ended(delivery, undefined);
      return;
    }
    this.#send(endpoint.id, Date.now());
  }

  async #try({ url, signers }: Endpoint, delivery: Delivery): Promise<Tried> {
    const began = Date.now();
    const { id, body } = delivery;
    const result = await attempt({ url, signers: signing(signers, began), id, body }, Date.now);
    const now = Date.now();
    const tries = delivery.tries + 1;
    const reached = verdict(tries, result, now, { schedule: this.#means.schedule, random: Math.random() });
    const note = {
      at: new Date(began).toISOString(),
      ms: now - began,
      ...('status' in result ? { status: result.status } : {}),
      ...('error' in reached ? { error: reached.error } : {}),
    };
    return { delivery, attempt: note, tries, verdict: reached };
  }
}
