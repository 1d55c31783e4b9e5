/** A priority queue of items by due time, for thousands of items whose times change often. @module */

interface Entry<T> {
  readonly at: number;
  readonly item: T;
}

/** A heap of fewer entries is not rebuilt. */
const MIN_REBUILD_SIZE = 64;

/**
 * Keeps the earliest time of each item. It is a binary heap; an entry that was rescheduled is removed only when it
 * reaches the top. Scheduling and taking cost O(log n), reading the next time costs nothing.
 */
export class TimerQueue<T> {
  #heap: Entry<T>[] = [];
  readonly #earliest = new Map<T, number>();

  /** The earliest time of all; infinity if the queue is empty. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Schedules an item at `at`, unless it is scheduled earlier. */
  schedule(item: T, at: number): void {
    if ((this.#earliest.get(item) ?? Number.POSITIVE_INFINITY) <= at) return;
    this.#earliest.set(item, at);
    if (this.#heap.length > MIN_REBUILD_SIZE && this.#heap.length > 2 * this.#earliest.size) this.#rebuild();
    else this.#rise(this.#heap.push({ at, item }) - 1);
  }

  cancel(item: T): void {
    if (this.#earliest.delete(item)) this.#dropStale();
  }

  /** Removes and returns the earliest item that is due at `now`. Its later times must be scheduled again. */
  takeDue(now: number): T | undefined {
    const [top] = this.#heap;
    if (!top || top.at > now) return undefined;
    this.cancel(top.item);
    return top.item;
  }

  /** Removes rescheduled and canceled entries from the top. */
  #dropStale(): void {
    for (let top = this.#heap[0]; top && this.#earliest.get(top.item) !== top.at; top = this.#heap[0]) {
      const last = this.#heap.pop();
      if (last === undefined || last === top) continue;
      this.#heap[0] = last;
      this.#sink();
    }
  }

  /** A sorted array is a heap. */
  #rebuild(): void {
    this.#heap = [...this.#earliest].map(([item, at]) => ({ at, item })).sort((a, b) => a.at - b.at);
  }

  #rise(from: number): void {
    for (let index = from; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfEarlier(index, parent)) return;
      index = parent;
    }
  }

  #sink(): void {
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, index)) return;
      index = child;
    }
  }

  #isEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    return a !== undefined && b !== undefined && a.at < b.at;
  }

  #swapIfEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a === undefined || b === undefined || a.at >= b.at) return false;
    this.#heap[one] = b;
    this.#heap[other] = a;
    return true;
  }
}
