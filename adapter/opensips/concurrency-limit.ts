/**
 * A semaphore: limits how much runs at a time and queues the rest in order.
 * @module
 */

interface Waiter {
  readonly permits: number;
  /** Ends the wait: with the permits, or without. */
  readonly settle: (isAcquired: boolean) => void;
}

export class ConcurrencyLimit {
  readonly #maxPermits: number;
  #availablePermits: number;
  readonly #queue = new Set<Waiter>();

  constructor(maxPermits: number) {
    this.#maxPermits = maxPermits;
    this.#availablePermits = maxPermits;
  }

  /**
   * Resolves with true as soon as the permits are available, or with false after `waitMs` milliseconds, at once if that is not above 0. A request for
   * several permits waits for all of them at once, and later requests wait behind it. A request for more permits than
   * exist gets all of them.
   */
  acquire(waitMs: number, permits = 1): Promise<boolean> {
    const needed = this.#clampPermits(permits);
    if (this.#queue.size === 0 && needed <= this.#availablePermits) {
      this.#availablePermits -= needed;
      return Promise.resolve(true);
    }
    // Node.js prints a warning for a timer in the past.
    if (waitMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        permits: needed,
        settle: (isAcquired) => {
          clearTimeout(timer);
          this.#queue.delete(waiter);
          resolve(isAcquired);
        },
      };
      const timer = setTimeout(() => {
        waiter.settle(false);
        this.#grantWaiting();
      }, waitMs);
      this.#queue.add(waiter);
    });
  }

  /** Releases permits. Pass the number that was passed to `acquire`. */
  release(permits = 1): void {
    this.#availablePermits += this.#clampPermits(permits);
    this.#grantWaiting();
  }

  /** Ends all waits without a permit. */
  rejectWaiting(): void {
    for (const { settle } of this.#queue) settle(false);
  }

  #grantWaiting(): void {
    for (const { permits, settle } of this.#queue) {
      if (permits > this.#availablePermits) return;
      this.#availablePermits -= permits;
      settle(true);
    }
  }

  /** At least one, so that a limit of zero permits lets nothing pass. */
  #clampPermits(permits: number): number {
    return Math.max(1, Math.min(permits, this.#maxPermits));
  }
}
