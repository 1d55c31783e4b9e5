/**
 * Measures how busy the calls of this isolate are. All objects of an isolate share its single thread (on a self-hosted
 * machine, those of all sites do), so work that can wait checks the load first. The measurement is a hint, and is lost
 * with the isolate.
 * @module
 */

/** How long messages are counted, in milliseconds. */
const WINDOW_MS = 100;

/** How long calls count as busy after a busy window, in milliseconds: load fluctuates. */
const BUSY_HOLD_MS = 1_000;

/**
 * How many messages in a window make calls busy. A call that is started and ended takes some twelve, so this is nearly 70
 * calls a second: a tenth to a fifth of what a thread can do.
 */
export const BUSY_MESSAGE_COUNT = 80;

/** How long work that can wait is batched, in milliseconds: a batch costs little more than a single item. */
const BATCH_WINDOW_MS = 50;
const BUSY_BATCH_WINDOW_MS = 250;

export class LoadMeter {
  #windowStart = 0;
  #messageCount = 0;
  #lastBusyAt = Number.NEGATIVE_INFINITY;

  /**
   * Counts a message of OpenSIPS about calls. Turns of the object would not show the load: the busier it is, the more
   * messages arrive in each.
   * @param now in Unix milliseconds
   */
  record(now: number): void {
    if (!isWithin(now, this.#windowStart, WINDOW_MS)) {
      this.#windowStart = now;
      this.#messageCount = 0;
    }
    if (++this.#messageCount >= BUSY_MESSAGE_COUNT) this.#lastBusyAt = now;
  }

  /** Returns whether calls are busy, or were a moment ago. */
  isBusy(now: number): boolean {
    return isWithin(now, this.#lastBusyAt, BUSY_HOLD_MS);
  }

  /** Returns how long to batch work that can wait, in milliseconds. */
  batchWindowMs(now: number): number {
    return this.isBusy(now) ? BUSY_BATCH_WINDOW_MS : BATCH_WINDOW_MS;
  }
}

/** Returns false also where the clock has been set back to before `start`. */
function isWithin(now: number, start: number, ms: number): boolean {
  return now >= start && now < start + ms;
}

/** The meter of this isolate. */
export const loadMeter = new LoadMeter();
