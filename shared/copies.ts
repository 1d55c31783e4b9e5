/** Where in a log the newest copy of each thing stands. @module */

/** A row, and the things whose newest copy it holds. */
interface Row<T> {
  readonly position: number;
  readonly things: Set<T>;
}

/** So many rows that hold nothing any more are kept at the front before the array is cut. */
const LOOSE = 1_024;

/** Things by the position of their newest copy, so that the oldest is known without looking at all. */
export class Copies<T> {
  /** Oldest first; those before `#front` hold nothing any more. */
  #rows: Row<T>[] = [];
  #front = 0;
  readonly #rowOf = new Map<T, Row<T>>();

  /** A copy of each now stands at `position`, which is higher than any before. */
  stored(position: number, things: Iterable<T>): void {
    const row = { position, things: new Set(things) };
    for (const thing of row.things) {
      this.forget(thing);
      this.#rowOf.set(thing, row);
    }
    if (row.things.size > 0) this.#rows.push(row);
  }

  /** Its copies are needed no more. */
  forget(thing: T): void {
    this.#rowOf.get(thing)?.things.delete(thing);
    this.#rowOf.delete(thing);
  }

  /** The lowest position at which a newest copy stands; infinity where there is none. */
  get oldest(): number {
    while (this.#rows[this.#front]?.things.size === 0) this.#front++;
    if (this.#front > LOOSE && this.#front * 2 > this.#rows.length) {
      this.#rows.splice(0, this.#front);
      this.#front = 0;
    }
    return this.#rows[this.#front]?.position ?? Number.POSITIVE_INFINITY;
  }

  /** Those whose newest copy stands before `position`, the oldest first. */
  *before(position: number): Generator<T> {
    if (this.oldest >= position) return;
    for (let at = this.#front; ; at++) {
      const row = this.#rows[at];
      if (row === undefined || row.position >= position) return;
      yield* row.things;
    }
  }
}
