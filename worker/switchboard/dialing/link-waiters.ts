/** The messages of clients that wait until the adapter is linked. They are in memory only: a client without an answer repeats. @module */

/** How long a message waits, in milliseconds: as long as an adapter may take to answer. */
export const LINK_WAIT_MS = 5_000;

/** A message has up to 64 KB, so what waits is bounded by 16 MB in an isolate of 128 MB. Further messages do not wait. */
const MAX_WAITING = 256;

export class LinkWaiters {
  /** What each that waits is waiting for, and how it goes on. */
  readonly #waiting = new Map<() => void, () => boolean>();

  get any(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Resolves with {@link release}, or after {@link LINK_WAIT_MS}. Undefined if too many wait already.
   * @param isLinked returns whether the adapters that it waits for are connected
   */
  wait(isLinked: () => boolean): Promise<void> | undefined {
    if (this.#waiting.size >= MAX_WAITING) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onEnd = () => {
      clearTimeout(timer);
      this.#waiting.delete(onEnd);
      resolve();
    };
    const timer = setTimeout(onEnd, LINK_WAIT_MS);
    this.#waiting.set(onEnd, isLinked);
    return promise;
  }

  /** Lets all of them go on, in their order. */
  release(): void {
    for (const onEnd of [...this.#waiting.keys()]) onEnd();
  }

  /** Lets those go on whose adapters are connected. */
  releaseLinked(): void {
    for (const [onEnd, isLinked] of [...this.#waiting]) if (isLinked()) onEnd();
  }
}
