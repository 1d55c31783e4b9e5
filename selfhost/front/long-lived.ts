/** What stays open until the edge stops: WebSockets and event streams. @module */

/** How long their ends are waited for, in milliseconds: a client that is there ends within a round trip. */
const END_TIMEOUT_MS = 1_000;

/** The part of a socket or a response that is used here. */
interface Closing {
  once(event: 'close', listener: () => void): unknown;
}

export class LongLivedConnections {
  readonly #ends = new Map<Closing, () => void>();
  #onEmpty = () => {};

  /** @param end ends it, so that it emits `close` soon */
  add(connection: Closing, end: () => void): void {
    this.#ends.set(connection, end);
    connection.once('close', () => {
      this.#ends.delete(connection);
      if (this.#ends.size === 0) this.#onEmpty();
    });
  }

  /** Ends all of them. Resolves when they are closed, or after {@link END_TIMEOUT_MS}. */
  end(): Promise<void> {
    for (const end of this.#ends.values()) end();
    if (this.#ends.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      setTimeout(resolve, END_TIMEOUT_MS);
    });
  }
}
