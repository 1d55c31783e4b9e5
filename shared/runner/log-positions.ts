/** Tracks the log position of the newest copy of each item. @module */

/** A log row and the items whose newest copy it holds. */
interface Row<T> {
  readonly position: number;
  readonly items: Set<T>;
}

/** Empty rows that are kept at the front before the array is cut. */
const MAX_EMPTY_ROWS = 1_024;

/** Items in the order of their newest copies, so that the oldest position is known without a search. */
export class LogPositions<T> {
  /** Oldest first; the rows before `#front` are empty. */
  #rows: Row<T>[] = [];
  #front = 0;
  readonly #rowOf = new Map<T, Row<T>>();

  /** Records that a copy of each item is at `position`, which is higher than any before. */
  record(position: number, items: Iterable<T>): void {
    const row = { position, items: new Set(items) };
    for (const item of row.items) {
      this.forget(item);
      this.#rowOf.set(item, row);
    }
    if (row.items.size > 0) this.#rows.push(row);
  }

  /** Forgets an item whose copies are no longer needed. */
  forget(item: T): void {
    this.#rowOf.get(item)?.items.delete(item);
    this.#rowOf.delete(item);
  }

  /** The lowest position of a newest copy; infinity if there are no items. */
  get oldest(): number {
    while (this.#rows[this.#front]?.items.size === 0) this.#front++;
    if (this.#front > MAX_EMPTY_ROWS && this.#front * 2 > this.#rows.length) {
      this.#rows.splice(0, this.#front);
      this.#front = 0;
    }
    return this.#rows[this.#front]?.position ?? Number.POSITIVE_INFINITY;
  }

  /** Yields the items whose newest copy is before `position`, the oldest first. */
  *storedBefore(position: number): Generator<T> {
    if (this.oldest >= position) return;
    for (let index = this.#front; ; index++) {
      const row = this.#rows[index];
      if (row === undefined || row.position >= position) return;
      yield* row.items;
    }
  }
}
