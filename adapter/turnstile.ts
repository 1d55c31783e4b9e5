/**
 * Lets so many in at a time; the others wait in line.
 * @module
 */

interface Waiting {
  readonly places: number;
  readonly end: (admitted: boolean) => void;
}

export class Turnstile {
  readonly #places: number;
  #free: number;
  readonly #line = new Set<Waiting>();

  constructor(places: number) {
    this.#places = places;
    this.#free = places;
  }

  /**
   * Resolves with true once there is room, with false after `waitMs` milliseconds without any. Who takes several places
   * waits for all of them at once, and those behind wait too; more than there are at all are taken for all.
   */
  enter(waitMs: number, places = 1): Promise<boolean> {
    const wanted = this.#fitting(places);
    if (this.#line.size === 0 && wanted <= this.#free) {
      this.#free -= wanted;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const waiting: Waiting = {
        places: wanted,
        end: (admitted) => {
          clearTimeout(timer);
          this.#line.delete(waiting);
          resolve(admitted);
        },
      };
      const timer = setTimeout(() => {
        waiting.end(false);
        this.#admit();
      }, waitMs);
      this.#line.add(waiting);
    });
  }

  /** Gives back what was taken with as many places: to the first in line. */
  leave(places = 1): void {
    this.#free += this.#fitting(places);
    this.#admit();
  }

  /** Turns away all who wait. */
  clear(): void {
    for (const { end } of this.#line) end(false);
  }

  #admit(): void {
    for (const { places, end } of this.#line) {
      if (places > this.#free) return;
      this.#free -= places;
      end(true);
    }
  }

  /** At least one, so that nobody passes a turnstile that has no places. */
  #fitting(places: number): number {
    return Math.max(1, Math.min(places, this.#places));
  }
}
