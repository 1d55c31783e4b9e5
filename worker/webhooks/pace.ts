/** How fast requests are begun to one endpoint. Pure but for the timer that it is given. @module */

/** So many requests may be begun in so many milliseconds. */
export interface Rate {
  readonly most: number;
  readonly ms: number;
}

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

  /** May one more begin now? It counts as begun then. The first opens a window, which is as long as its rate says. */
  take({ most, ms }: Rate): boolean {
    if (this.#begun === undefined) this.#after(ms, () => this.#close());
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
