/** Limits how fast requests to one endpoint are started. Pure except for the injected timer. @module */

/** At most `requests` are started per window of `windowMs` milliseconds. */
export interface Rate {
  readonly requests: number;
  readonly windowMs: number;
}

/** Calls back after the given milliseconds. */
export type StartTimer = (ms: number, callback: () => void) => void;

export class RateLimiter {
  readonly #startTimer: StartTimer;
  readonly #onAvailable: () => void;
  /** Requests started in the current window; undefined while no window is open. */
  #startedCount: number | undefined;
  #hasRejected = false;

  /** @param onAvailable is called when a request that was rejected may start */
  constructor(startTimer: StartTimer, onAvailable: () => void) {
    this.#startTimer = startTimer;
    this.#onAvailable = onAvailable;
  }

  /**
   * Returns whether one more request may start now, and counts it as started. The first one opens a window of the
   * length that its rate has.
   */
  take({ requests, windowMs }: Rate): boolean {
    if (this.#startedCount === undefined) this.#startTimer(windowMs, () => this.#closeWindow());
    const startedCount = this.#startedCount ?? 0;
    this.#startedCount = startedCount;
    this.#hasRejected = startedCount >= requests;
    if (this.#hasRejected) return false;
    this.#startedCount = startedCount + 1;
    return true;
  }

  #closeWindow(): void {
    this.#startedCount = undefined;
    if (!this.#hasRejected) return;
    this.#hasRejected = false;
    this.#onAvailable();
  }
}
