/** Places for requests, given out fairly: senders take turns, and the requests of one keep their order. Pure. @module */

export class Slots {
  #free: number;
  #waitingCount = 0;
  /** What waits, by sender. The sender whose turn is next comes first. */
  readonly #queues = new Map<string, Set<() => void>>();

  /** @param count how many can be taken at a time */
  constructor(count: number) {
    this.#free = count;
  }

  /** How many wait. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /**
   * Takes a slot, now or in turn, and then calls `start`, whose owner gives it back with {@link release}.
   * @return a function that gives up waiting; it does nothing once `start` was called
   */
  take(sender: string, start: () => void): () => void {
    if (this.#free > 0) {
      this.#free -= 1;
      start();
      return () => {};
    }
    // A function of its own, because a set keeps equal ones only once.
    const entry = () => start();
    const queue = this.#queues.get(sender) ?? new Set();
    this.#queues.set(sender, queue.add(entry));
    this.#waitingCount += 1;
    return () => this.#remove(sender, queue, entry);
  }

  /** Gives a slot back. Of the sender that has waited longest for its turn, the oldest request gets it. */
  release(): void {
    for (const [sender, queue] of this.#queues)
      for (const next of queue) {
        this.#remove(sender, queue, next);
        // Behind all others.
        if (this.#queues.delete(sender)) this.#queues.set(sender, queue);
        next();
        return;
      }
    this.#free += 1;
  }

  #remove(sender: string, queue: Set<() => void>, entry: () => void): void {
    if (!queue.delete(entry)) return;
    this.#waitingCount -= 1;
    if (queue.size === 0) this.#queues.delete(sender);
  }
}
