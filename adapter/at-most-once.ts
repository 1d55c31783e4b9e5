/**
 * Which requests of the edge have been taken, so that one that is sent again is not run again.
 * @module
 */

/**
 * Remembers a request's id until its reply is acknowledged: after that the edge has the answer and does not
 * ask again.
 */
export class AtMostOnce {
  readonly #limit: number;
  readonly #running = new Set<string>();
  /** By reply number, which rises: so the oldest stand first. */
  readonly #answered = new Map<string, number>();

  /** @param limit ids remembered at a time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many are answered, and not yet acknowledged. */
  get unacknowledged(): number {
    return this.#answered.size;
  }

  /** `new`: run it, the id is taken from now on. `known`: it runs, or its reply is on the way. */
  begin(id: string): 'new' | 'known' | 'full' {
    if (this.#running.has(id) || this.#answered.has(id)) return 'known';
    if (this.#running.size + this.#answered.size >= this.#limit) return 'full';
    this.#running.add(id);
    return 'new';
  }

  /** Its reply has got the number `seq`. */
  answered(id: string, seq: number): void {
    this.#running.delete(id);
    this.#answered.set(id, seq);
  }

  /** All replies up to `seq` are stored at the edge. */
  acknowledged(seq: number): void {
    for (const [id, reply] of this.#answered) {
      if (reply > seq) return;
      this.#answered.delete(id);
    }
  }
}
