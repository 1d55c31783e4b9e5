/**
 * Lets so many in at a time; the others wait in line.
 * @module
 */
export class Turnstile {
  #free: number;
  readonly #line = new Set<(admitted: boolean) => void>();

  constructor(places: number) {
    this.#free = places;
  }

  /** Resolves with true once there is a place, with false after `waitMs` milliseconds without one. */
  enter(waitMs: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const end = (admitted: boolean) => {
        clearTimeout(timer);
        this.#line.delete(end);
        resolve(admitted);
      };
      const timer = setTimeout(() => end(false), waitMs);
      this.#line.add(end);
    });
  }

  /** Gives a place back: to the first in line. */
  leave(): void {
    const [first] = this.#line;
    if (first === undefined) this.#free += 1;
    else first(true);
  }

  /** Turns away all who wait. */
  clear(): void {
    for (const end of this.#line) end(false);
  }
}
