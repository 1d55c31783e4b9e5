/**
 * How much the calls of this isolate have to do. All objects of an isolate share its one thread, on a machine of one's own
 * those of all sites: so what can wait asks here first. A hint, that is lost with the isolate.
 * @module
 */

/** Messages are counted for so long, in milliseconds. */
const SPAN_MS = 100;

/** So long they stay it after such a span, in milliseconds: it is not every moment alike. */
const STAYS_MS = 1_000;

/**
 * With so many in a span calls are busy. A call that is made and ended takes some twelve, so these are nearly 70 calls a
 * second: a tenth to a fifth of what a thread can do.
 */
export const BUSY_MESSAGES = 80;

/** For so long is gathered what can wait, in milliseconds: what is done together costs little more than one alone. */
const GATHER_MS = 50;
const BUSY_GATHER_MS = 250;

export class Load {
  /** When the span began in which messages are counted, and how many there are. */
  #from = 0;
  #messages = 0;
  /** When there were last so many that calls were busy. */
  #busyAt = Number.NEGATIVE_INFINITY;

  /**
   * OpenSIPS has said something about calls, at that time in Unix milliseconds. Turns would not do: the busier
   * it is, the more comes in each.
   */
  heard(now: number): void {
    if (!isWithin(now, this.#from, SPAN_MS)) {
      this.#from = now;
      this.#messages = 0;
    }
    if (++this.#messages >= BUSY_MESSAGES) this.#busyAt = now;
  }

  /** Are they busy, or were they just now? */
  isBusy(now: number): boolean {
    return isWithin(now, this.#busyAt, STAYS_MS);
  }

  /** For how long to gather what can wait, in milliseconds. */
  gatherMs(now: number): number {
    return this.isBusy(now) ? BUSY_GATHER_MS : GATHER_MS;
  }
}

/** Is it so shortly after that time? A clock that was set back is not. */
function isWithin(now: number, from: number, ms: number): boolean {
  return now >= from && now < from + ms;
}

/** Of this isolate. */
export const load = new Load();
