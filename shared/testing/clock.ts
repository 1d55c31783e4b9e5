/** Virtual time: what is planned happens in its order, and nobody waits. @module */

interface Planned {
  readonly at: number;
  readonly run: () => void;
}

export class Clock {
  now = 0;
  readonly #planned: Planned[] = [];

  /** When something is planned next; infinity for never. */
  get due(): number {
    return this.#planned[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Plans something in `ms` milliseconds, after all that is planned for the same time already. */
  in(ms: number, run: () => void): void {
    const at = this.now + ms;
    const later = this.#planned.findIndex((each) => each.at > at);
    this.#planned.splice(later < 0 ? this.#planned.length : later, 0, { at, run });
  }

  /** Goes on to `at` and does what is planned for then. */
  advance(at: number): void {
    this.now = at;
    while (this.due <= at) this.#planned.shift()?.run();
  }
}

/** Random numbers from 0 to 1 that a seed decides: mulberry32. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
