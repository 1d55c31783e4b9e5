/**
 * Remembers the ids of the edge's requests, so that a repeated request is not run again.
 * @module
 */

/** Keeps a request's id until its reply is acknowledged: from then on the edge has the reply and does not repeat it. */
export class AtMostOnceGuard {
  readonly #maxIds: number;
  readonly #running = new Set<string>();
  /** Sequence number of the reply by id, in ascending order. */
  readonly #replied = new Map<string, number>();

  /** @param maxIds ids remembered at a time */
  constructor(maxIds: number) {
    this.#maxIds = maxIds;
  }

  /** Requests without a reply. */
  get running(): number {
    return this.#running.size;
  }

  /** Requests with a reply that is not acknowledged yet. */
  get unacknowledgedReplies(): number {
    return this.#replied.size;
  }

  /** Remembers a `new` id. A `duplicate` is running, or its reply is not acknowledged yet. */
  begin(id: string): 'new' | 'duplicate' | 'full' {
    if (this.#running.has(id) || this.#replied.has(id)) return 'duplicate';
    if (this.#running.size + this.#replied.size >= this.#maxIds) return 'full';
    this.#running.add(id);
    return 'new';
  }

  /** Records that the request's reply has the sequence number `seq`. */
  onReplied(id: string, seq: number): void {
    this.#running.delete(id);
    this.#replied.set(id, seq);
  }

  /** Forgets every request whose reply is stored at the edge: all up to `seq`. */
  onAcknowledged(seq: number): void {
    for (const [id, replySeq] of this.#replied) {
      if (replySeq > seq) return;
      this.#replied.delete(id);
    }
  }
}
