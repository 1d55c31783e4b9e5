/**
 * Simulated happenings at fractions of a millisecond.
 *
 * `setTimeout` counts whole milliseconds and rounds up: twelve gaps of a CallStart would take 30 ms instead of 17.
 * So everything due stands in one heap with its absolute time; the timer sleeps until just before, and
 * `setImmediate` covers the rest.
 * @module
 */
import { Heap } from './heap.ts';

/** setTimeout may be a whole millisecond late: below this many milliseconds only setImmediate is used. */
const TOO_SHORT_TO_SLEEP = 2;

/** One thread of happenings. Its `now` is when the present step was due, so that lateness does not add up. */
export type Timeline = {
  /** Resolves `ms` milliseconds after the step before. */
  pass(ms: number): Promise<void>;
  /**
   * Resolves with `value` after `ms` milliseconds, or at once with what `interrupt` is called with;
   * that returns false where it comes too late.
   */
  race<T>(ms: number, value: T, interruptible: (interrupt: (value: T) => boolean) => void): Promise<T>;
};

/** Runs things when they are due, in the order of their times, and in the order of asking where those are equal. */
export class Clock {
  readonly #heap = new Heap();
  #order = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  /** Runs `run` in `ms` milliseconds. */
  after(ms: number, run: () => void): void {
    this.#at(performance.now() + ms, run);
  }

  /** A thread of happenings that begins now. */
  timeline(): Timeline {
    let now = performance.now();
    return {
      pass: (ms) => {
        now += ms;
        return new Promise((resolve) => this.#at(now, resolve));
      },
      race: <T>(ms: number, value: T, interruptible: (interrupt: (value: T) => boolean) => void) =>
        new Promise<T>((resolve) => {
          const due = now + ms;
          let open = true;
          const settle = (at: number, outcome: T): boolean => {
            if (!open) return false;
            open = false;
            now = at;
            resolve(outcome);
            return true;
          };
          this.#at(due, () => settle(due, value));
          interruptible((other) => settle(performance.now(), other));
        }),
    };
  }

  /** Forgets all that is due: whoever awaits it waits for ever. */
  clear(): void {
    this.#heap.clear();
    this.#disarm();
  }

  #at(at: number, run: () => void): void {
    const item = { at, order: this.#order++, run };
    this.#heap.push(item);
    if (this.#heap.first === item) this.#arm();
  }

  #arm(): void {
    this.#disarm();
    const next = this.#heap.first;
    if (next === undefined) return;
    const wait = next.at - performance.now();
    if (wait >= TOO_SHORT_TO_SLEEP) this.#timer = setTimeout(() => this.#arm(), Math.floor(wait) - 1);
    else this.#immediate = setImmediate(() => this.#fire());
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  /** One moment at a time: what follows from it may be due before the next, however late this is. */
  #fire(): void {
    const moment = this.#heap.first?.at ?? Number.POSITIVE_INFINITY;
    if (moment <= performance.now()) {
      while (this.#heap.first?.at === moment) this.#heap.pop()?.run();
    }
    this.#arm();
  }
}
