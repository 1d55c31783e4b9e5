/** Places for the connections to workerd, given out in turn. @module */

export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** @param count how many can be taken at a time */
  constructor(count: number) {
    this.#free = count;
  }

  /** How many wait. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * Takes a slot, now or in turn, and then calls `start`, whose owner gives it back with {@link release}.
   * @return a function that gives up waiting; it does nothing once `start` was called
   */
  take(start: () => void): () => void {
    if (this.#free > 0) {
      this.#free -= 1;
      start();
      return () => {};
    }
    // A function of its own, because a set keeps equal ones only once.
    const entry = () => start();
    this.#waiting.add(entry);
    return () => {
      this.#waiting.delete(entry);
    };
  }

  /** Gives a slot back. The one that has waited longest gets it. */
  release(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#free += 1;
  }
}
