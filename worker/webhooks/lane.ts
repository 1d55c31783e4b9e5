/**
 * What is on its way to one endpoint, while the object is awake: read in lots, sent a few at a time, and of each call and
 * command one after the other. Pure but for what it is given.
 * @module
 */
import type { Delivery } from './deliveries.ts';
import type { Pace, Rate } from './pace.ts';

/**
 * To an endpoint that is well: four requests are under way at most, and as many are begun in 8 ms. On one machine a request
 * costs the thread that calls share 0.2 to 0.4 ms, so one that answers at once would take all of it while it has much to
 * catch up with; so it takes a sixth. One that is 8 ms away or further is as fast as without: a receiver 50 ms away takes
 * 80 a second.
 */
export const WELL: Rate = { most: 4, ms: 8 };

/**
 * To one whose last try has failed: a request at a time, 50 a second. That it fails is seen as well from these, and what waits
 * for its next try meanwhile has lost nothing. From the first that it takes on it is well.
 */
export const AILING: Rate = { most: 1, ms: 20 };

/**
 * While calls are busy (`worker/load.ts`): 25 a second, which is a hundredth or two of the thread and is not felt. Calls are seldom
 * busy for long, and what waits is sent when they are less so.
 */
export const YIELDING: Rate = { most: 1, ms: 40 };

/**
 * They may be busy all day, and what happens is to be told all the same: an endpoint that has not been sent all for
 * {@link PATIENCE_MS} is sent four in 40 ms, a hundred a second, together since one that follows another takes half as long.
 */
export const OVERDUE: Rate = { most: 4, ms: 40 };

/** In milliseconds. */
export const PATIENCE_MS = 30_000;

/** So many are read together. Among them is one that may be sent, unless a call has as many: that waits for itself. */
export const LOT = 64;

/**
 * An endpoint to which so many are due has enough for now, more than a second's while calls are busy; with fewer it is asked for
 * what follows. That is felt as little as sending, if it is little at a time.
 */
export const ENOUGH = 32;

/** Reads those that are due, of those that became due first: {@link LOT} at most. */
export type Read = () => readonly Delivery[];

export class Lane {
  readonly #pace: Pick<Pace, 'take'>;
  readonly #isBusy: (now: number) => boolean;
  /** Those that are due, and not under way. */
  #lot: Delivery[] = [];
  /** There may be more that are due than the lot has, or that would be if it were asked for. */
  #more = false;
  /** Something may have become due since the lot was read. */
  #stirred = false;
  /** What is sent now: whose each number is. */
  readonly #underWay = new Map<number, string>();
  #isWell = true;
  /** Since when there is always something to send, in Unix milliseconds; undefined: there is nothing. */
  #behindSince: number | undefined;

  /** @param isBusy do calls need the thread now? */
  constructor(pace: Pick<Pace, 'take'>, isBusy: (now: number) => boolean) {
    this.#pace = pace;
    this.#isBusy = isBusy;
  }

  /** Is anything under way? */
  get isSending(): boolean {
    return this.#underWay.size > 0;
  }

  /** Is there more to send, as soon as what is under way and the pace allow? */
  get goesOn(): boolean {
    return this.#stirred || this.#more || this.#lot.length > 0;
  }

  /** Something may have become due. */
  stir(): void {
    this.#stirred = true;
  }

  /** What was read may be otherwise by now: it is read again. */
  forget(): void {
    this.#lot = [];
    this.#stirred = true;
  }

  /** Nothing is to be sent until it is {@link stir stirred}. */
  stop(): void {
    this.#lot = [];
    this.#more = false;
    this.#stirred = false;
    this.#behindSince = undefined;
  }

  /** The next one to send, which is under way from now on; undefined where none is, or none may be now. */
  next(read: Read, now: number): Delivery | undefined {
    if (this.#underWay.size >= (this.#isWell ? WELL : AILING).most) return undefined;
    let at = this.#first;
    // All of the lot may wait for what is under way, and what has come since it was read for nothing.
    if (at < 0 && (this.#stirred || (this.#more && this.#lot.length === 0))) {
      this.#fill(read());
      at = this.#first;
    }
    if (this.#lot.length === 0) this.#behindSince = undefined;
    else this.#behindSince ??= now;
    if (at < 0 || !this.#pace.take(this.#rateAt(now))) return undefined;
    const [delivery] = this.#lot.splice(at, 1);
    if (delivery) this.#underWay.set(delivery.n, delivery.about);
    return delivery;
  }

  /** What was under way is over: well, or not; undefined where nobody knows. */
  ended({ n }: Pick<Delivery, 'n'>, well: boolean | undefined): void {
    this.#underWay.delete(n);
    if (well !== undefined) this.#isWell = well;
  }

  /** Of the lot, the place of the first one that nothing under way is of the same call or command as; -1: there is none. */
  get #first(): number {
    const abouts = new Set(this.#underWay.values());
    return this.#lot.findIndex(({ about }) => !abouts.has(about));
  }

  #rateAt(now: number): Rate {
    const isBusy = this.#isBusy(now);
    if (!this.#isWell) return isBusy ? YIELDING : AILING;
    if (!isBusy) return WELL;
    return now >= (this.#behindSince ?? now) + PATIENCE_MS ? OVERDUE : YIELDING;
  }

  #fill(due: readonly Delivery[]): void {
    this.#more = due.length >= ENOUGH;
    this.#stirred = false;
    this.#lot = due.filter(({ n }) => !this.#underWay.has(n));
  }
}
