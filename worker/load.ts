/**
 * How much the calls of this isolate have to do. All objects of an isolate share its one thread, on a machine of one's own
 * those of all sites: so what can wait asks here first. A hint, that is lost with the isolate.
 * @module
 */

/** Turns are counted for so long, in milliseconds. */
const SPAN_MS = 100;

/** So long they stay it after such a span, in milliseconds: many callers together make now more turns, now fewer. */
const STAYS_MS = 1_000;

/** With so many in a span calls are busy. A call that is made and ended takes some 14, so these are 70 calls a second. */
export const BUSY_TURNS = 100;

/** For so long is gathered what can wait, in milliseconds: what is done together costs little more than one alone. */
const GATHER_MS = 50;
const BUSY_GATHER_MS = 250;

export class Load {
  /** When the span began in which turns are counted, and how many there are. */
  #from = 0;
  #turns = 0;
  /** When there were last so many that calls were busy. */
  #busyAt = Number.NEGATIVE_INFINITY;

  /** A turn of a Switchboard is over, at that time in Unix milliseconds. */
  turned(now: number): void {
    if (!isWithin(now, this.#from, SPAN_MS)) {
      this.#from = now;
      this.#turns = 0;
    }
    if (++this.#turns >= BUSY_TURNS) this.#busyAt = now;
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
