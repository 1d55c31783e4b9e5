/**
 * How much the calls of this isolate have to do. All objects of an isolate share its one thread, on a machine of one's own
 * those of all sites: so what can wait asks here first. A hint, that is lost with the isolate.
 * @module
 */

/** Turns are counted for so long, in milliseconds. */
const SPAN_MS = 100;

/** With so many in a span calls are busy. A call that is made and ended takes some 14, so these are 70 calls a second. */
export const BUSY_TURNS = 100;

/**
 * Where timers come so late, in milliseconds, the thread is full. Beside calls one after the other, some 200 a second, four of
 * five were less than 2 late, and the mean was 1; beside 16 at a time it was 6 (`npm run bench -- --webhooks`).
 */
export const LATE_MS = 3;

/** A timer tells of the time until the next one, but for no longer than this, in milliseconds. */
const TOLD_MS = 1_000;

/** For so long is gathered what can wait, in milliseconds: what is done together costs little more than one alone. */
const GATHER_MS = 50;
const BUSY_GATHER_MS = 250;

export class Load {
  #from = 0;
  #turns = 0;
  #before = 0;
  /** How late timers come: each counts as much as all before it. */
  #late = 0;
  #lateAt = Number.NEGATIVE_INFINITY;

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

  /** Calls back in so many milliseconds, and notes how late that is. */
  after(ms: number, then: () => void): ReturnType<typeof setTimeout> {
    const due = Date.now() + ms;
    return setTimeout(() => {
      const now = Date.now();
      this.waited(now - due, now);
      then();
    }, ms);
  }

  /** A timer came so late, in milliseconds, at that time. */
  waited(late: number, now: number): void {
    const before = this.#isTold(now) ? this.#late : 0;
    this.#late = (before + late) / 2;
    this.#lateAt = now;
  }

  /** Has the thread no time to spare, as far as timers tell? */
  isFull(now: number): boolean {
    return this.#isTold(now) && this.#late >= LATE_MS;
  }

  /** For how long to gather what can wait, in milliseconds. */
  gatherMs(now: number): number {
    return this.isBusy(now) ? BUSY_GATHER_MS : GATHER_MS;
  }

  #isTold(now: number): boolean {
    return now >= this.#lateAt && now < this.#lateAt + TOLD_MS;
  }

  /** Have so many spans gone by since this one began? */
  #isOver(now: number, spans: number): boolean {
    return now < this.#from || now >= this.#from + spans * SPAN_MS;
  }
}

/** Of this isolate. */
export const load = new Load();
