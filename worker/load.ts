/**
 * How much the calls of this isolate have to do. All objects of an isolate share its one thread, on a machine of one's own
 * those of all sites: so what can wait asks here first. A hint, that is lost with the isolate.
 * @module
 */

/** Turns are counted for so long, in milliseconds. */
const SPAN_MS = 100;

/** With so many in a span calls are busy. A call that is made and ended takes some 14, so these are 70 calls a second. */
export const BUSY_TURNS = 100;

/** For so long is gathered what can wait, in milliseconds: what is done together costs little more than one alone. */
const GATHER_MS = 50;
const BUSY_GATHER_MS = 250;

export class Load {
  #from = 0;
  #turns = 0;
  #before = 0;

  /** A turn of a Switchboard is over, at that time in Unix milliseconds. */
  turned(now: number): void {
    if (now < this.#from || now >= this.#from + SPAN_MS) {
      this.#before = this.#isOver(now, 2) ? 0 : this.#turns;
      this.#from = now;
      this.#turns = 0;
    }
    this.#turns++;
  }

  /** Are they busy, or were they just now? */
  isBusy(now: number): boolean {
    if (this.#isOver(now, 2)) return false;
    return Math.max(this.#turns, this.#isOver(now, 1) ? 0 : this.#before) >= BUSY_TURNS;
  }

  /** For how long to gather what can wait, in milliseconds. */
  gatherMs(now: number): number {
    return this.isBusy(now) ? BUSY_GATHER_MS : GATHER_MS;
  }

  /** Have so many spans gone by since this one began? */
  #isOver(now: number, spans: number): boolean {
    return now < this.#from || now >= this.#from + spans * SPAN_MS;
  }
}

/** Of this isolate. */
export const load = new Load();
