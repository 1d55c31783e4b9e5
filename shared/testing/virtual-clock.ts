/** A virtual clock for tests: callbacks run in the order of their times, without waiting. @module */

interface ScheduledCallback {
  readonly at: number;
  readonly run: () => void;
}

export class VirtualClock {
  now = 0;
  readonly #scheduled: ScheduledCallback[] = [];

  /** The time of the next callback; infinity without one. */
  get nextDueAt(): number {
    return this.#scheduled[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Schedules a callback in `ms` milliseconds, after all others of the same time. */
  schedule(ms: number, run: () => void): void {
    const at = this.now + ms;
    const nextIndex = this.#scheduled.findIndex((callback) => callback.at > at);
    this.#scheduled.splice(nextIndex < 0 ? this.#scheduled.length : nextIndex, 0, { at, run });
  }

  /** Advances the clock and runs the callbacks that are due. */
  advanceTo(at: number): void {
    this.now = at;
    while (this.nextDueAt <= at) this.#scheduled.shift()?.run();
  }
}

/** Returns a generator of random numbers from 0 to 1 that depend only on the seed: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
