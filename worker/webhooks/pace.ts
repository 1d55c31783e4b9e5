/** How fast requests are begun to one endpoint. Pure but for the timer that it is given. @module */

/**
 * Milliseconds in which as many requests may be begun as may be under way at once. On one machine a request costs the
 * thread that calls share some 0.2 ms, so one that answers at once, and has much to catch up with, would take all of it;
 * so it takes a tenth: 500 a second. One that is 8 ms away or further is no faster with four under way. One that
 * fails gets one request in that time, until it has taken one: 125 a second.
 */
export const PACE_MS = 8;

/** Calls back after so many milliseconds. */
export type After = (ms: number, then: () => void) => void;

export class Pace {
  readonly #after: After;
  readonly #again: () => void;
  /** Begun in this window; undefined while none is open. */
  #begun: number | undefined;
  #refused = false;

  /** @param again is called when one that was refused may begin */
  constructor(after: After, again: () => void) {
    this.#after = after;
    this.#again = again;
  }

  /** May one more begin now, of `most` in a window? It counts as begun then. The first opens the window. */
  take(most: number): boolean {
    if (this.#begun === undefined) this.#after(PACE_MS, () => this.#close());
    const begun = this.#begun ?? 0;
    this.#begun = begun;
    this.#refused = begun >= most;
    if (this.#refused) return false;
    this.#begun = begun + 1;
    return true;
  }

  #close(): void {
    this.#begun = undefined;
    if (!this.#refused) return;
    this.#refused = false;
    this.#again();
  }
}
