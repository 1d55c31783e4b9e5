/**
 * What is on its way to one endpoint, while the object is awake: read in lots, sent a few at a time, and of each call and
 * command one after the other. Pure but for what it is given.
 * @module
 */
import type { Delivery } from './deliveries.ts';
import type { Pace } from './pace.ts';

/** Requests under way to an endpoint that is well: a receiver 50 ms away takes 80 a second so. */
export const AT_ONCE = 4;

/** So many are read together. Among them is one that may be sent, unless a call has as many: that waits for itself. */
export const LOT = 64;

/** Reads those that are due, of those that became due first: {@link LOT} at most. */
export type Read = () => readonly Delivery[];

export class Lane {
  readonly #pace: Pick<Pace, 'take'>;
  /** Those that are due, and not under way. */
  #lot: Delivery[] = [];
  /** There may be more that are due than the lot has. */
  #more = false;
  /** What is sent now: whose each number is. */
  readonly #underWay = new Map<number, string>();
  /** Its last try has failed. */
  #ailing = false;

  constructor(pace: Pick<Pace, 'take'>) {
    this.#pace = pace;
  }

  /** Is anything under way? */
  get isSending(): boolean {
    return this.#underWay.size > 0;
  }

  /** Is there more to send, as soon as what is under way and the pace allow? */
  get goesOn(): boolean {
    return this.#more || this.#lot.length > 0;
  }

  /** Something may have become due. */
  stir(): void {
    this.#more = true;
  }

  /** What was read may be otherwise by now: it is read again. */
  forget(): void {
    this.#lot = [];
    this.#more = true;
  }

  /** Nothing is to be sent until it is {@link stir stirred}. */
  stop(): void {
    this.#lot = [];
    this.#more = false;
  }

  /** The next one to send, which is under way from now on; undefined where none is, or none may be now. */
  next(read: Read): Delivery | undefined {
    const most = this.#ailing ? 1 : AT_ONCE;
    if (this.#underWay.size >= most) return undefined;
    if (this.#lot.length === 0 && this.#more) this.#fill(read());
    const abouts = new Set(this.#underWay.values());
    const at = this.#lot.findIndex(({ about }) => !abouts.has(about));
    if (at < 0 || !this.#pace.take(most)) return undefined;
    const [delivery] = this.#lot.splice(at, 1);
    if (delivery) this.#underWay.set(delivery.n, delivery.about);
    return delivery;
  }

  /** What was under way is over: well, or not; undefined where nobody knows. */
  ended({ n }: Pick<Delivery, 'n'>, well: boolean | undefined): void {
    this.#underWay.delete(n);
    if (well !== undefined) this.#ailing = !well;
  }

  #fill(due: readonly Delivery[]): void {
    this.#more = due.length >= LOT;
    this.#lot = due.filter(({ n }) => !this.#underWay.has(n));
  }
}
