/** Notices that the clock of the machine was set back, so that nothing is due later than it should be. @module */

/** The clocks of two machines that serve an object one after the other differ by less than this, in milliseconds. */
const TOLERANCE_MS = 1_000;

export class ClockWatch {
  #latest: number;

  /** @param latest the latest time that is known, in Unix milliseconds */
  constructor(latest: number = Number.NEGATIVE_INFINITY) {
    this.#latest = latest;
  }

  /**
   * Returns how far the clock was set back since the latest time that was seen, in milliseconds; 0 if it was not. The same
   * change is returned once. Time that has passed unseen is not included.
   */
  setBackMs(now: number): number {
    const ms = this.#latest - now;
    if (ms > 0 && ms <= TOLERANCE_MS) return 0;
    this.#latest = now;
    return Math.max(0, ms);
  }
}
