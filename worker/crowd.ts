/** How many sockets stand open, and whether there is room for one more. @module */

/**
 * Sockets to a site. The platform takes 32,768 to an object; beyond some 8,000 clients what one object does in a
 * second is the limit, and a site that needs more is better split.
 */
export const SITE_SOCKETS = 10_000;

/** Between two counts of a crowd that seems full, in milliseconds: one walks all sockets. */
const RECOUNT_MS = 1_000;

/** Of every object in this process, by its id: descriptors are shared, and workerd dies when they run out. */
const crowds = new Map<string, number>();
let inProcess = 0;

/** The sockets of one object. It is counted by coming and leaving, so that no message walks them all. */
export class Crowd {
  readonly #id: string;
  readonly #count: () => number;
  readonly #most: { readonly site: number; readonly process: number };
  #countedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param count counts them one by one
   * @param most sockets of this object, and of all objects of this process together
   */
  constructor(id: string, count: () => number, most: { readonly site: number; readonly process: number }) {
    this.#id = id;
    this.#count = count;
    this.#most = most;
  }

  /** No more may come. Before it says so it counts anew: an object that was aborted heard of no farewell. */
  isFull(now: number): boolean {
    if (!crowds.has(this.#id)) this.#set(this.#count());
    if (!this.#seemsFull()) return false;
    if (now - this.#countedAt >= RECOUNT_MS) {
      this.#countedAt = now;
      this.#set(this.#count());
    }
    return this.#seemsFull();
  }

  /** One came. */
  came(): void {
    this.#set((crowds.get(this.#id) ?? this.#count() - 1) + 1);
  }

  /** One left. */
  left(): void {
    const before = crowds.get(this.#id);
    if (before !== undefined) this.#set(before - 1);
  }

  #seemsFull(): boolean {
    return (crowds.get(this.#id) ?? 0) >= this.#most.site || inProcess >= this.#most.process;
  }

  #set(count: number): void {
    inProcess += count - (crowds.get(this.#id) ?? 0);
    crowds.set(this.#id, count);
  }
}
