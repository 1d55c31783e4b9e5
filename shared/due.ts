/** What is due next, among thousands that change their minds. @module */

interface Entry<T> {
  readonly at: number;
  readonly what: T;
}

/** Below so many entries a queue is not tidied. */
const SMALL = 64;

/**
 * Each with its earliest time. A binary heap, from which what was overtaken is taken out only when it comes to the
 * top: noting and taking cost O(log n), asking what is first nothing.
 */
export class Due<T> {
  #heap: Entry<T>[] = [];
  readonly #earliest = new Map<T, number>();

  /** The earliest time of all; infinity where there is none. */
  get first(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** It is due at `at`; an earlier time that was noted before stays. */
  note(what: T, at: number): void {
    if ((this.#earliest.get(what) ?? Number.POSITIVE_INFINITY) <= at) return;
    this.#earliest.set(what, at);
    if (this.#heap.length > SMALL && this.#heap.length > 2 * this.#earliest.size) this.#tidy();
    else this.#rise(this.#heap.push({ at, what }) - 1);
  }

  /** It is not due any more. */
  forget(what: T): void {
    if (this.#earliest.delete(what)) this.#prune();
  }

  /** Takes the earliest of those that are due at `now`; what else it waits for is to be noted again. */
  take(now: number): T | undefined {
    const [top] = this.#heap;
    if (!top || top.at > now) return undefined;
    this.forget(top.what);
    return top.what;
  }

  /** Takes what was overtaken off the top. */
  #prune(): void {
    for (let top = this.#heap[0]; top && this.#earliest.get(top.what) !== top.at; top = this.#heap[0]) {
      const last = this.#heap.pop();
      if (last === undefined || last === top) continue;
      this.#heap[0] = last;
      this.#sink();
    }
  }

  /** A sorted array is a heap. */
  #tidy(): void {
    this.#heap = [...this.#earliest].map(([what, at]) => ({ at, what })).sort((a, b) => a.at - b.at);
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfEarlier(at, parent)) return;
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, at)) return;
      at = child;
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
