/** Where the log has the calls that have ended: two numbers of each, because their lines are read when a client asks for them. @module */

import { hashOf } from '../../objects/text-hash.ts';

/** Ended calls that are listed, and none for longer than the log is kept. */
export const MAX_ENDED = 10_000;

/** An ended call in the log. */
export interface EndedCall {
  /** The number of its first change, by which calls are ordered. */
  readonly firstSeq: number;
  /** The row that has its newest line. */
  readonly position: number;
}

export class EndedCalls {
  /**
   * By the hash of the Call-ID, in the order of the rows. A Call-ID would take more memory than the rest, and whoever reads a call compares
   * it.
   */
  readonly #calls = new Map<number, EndedCall>();

  /** A row has the newest line of a call that has ended. */
  set(callid: string, ended: EndedCall): void {
    const key = hashOf(callid);
    this.#calls.delete(key);
    this.#calls.set(key, ended);
    if (this.#calls.size > MAX_ENDED * 1.1) this.#dropOldest(this.#calls.size - MAX_ENDED);
  }

  /** A call goes on, or is a new one with the same Call-ID. */
  delete(callid: string): void {
    this.#calls.delete(hashOf(callid));
  }

  get(callid: string): EndedCall | undefined {
    return this.#calls.get(hashOf(callid));
  }

  /** All that it knows, in numbers: three for each call. */
  get numbers(): number[] {
    return [...this.#calls].flatMap(([key, { firstSeq, position }]) => [key, firstSeq, position]);
  }

  /** Restores what {@link numbers} has returned. */
  restore(numbers: readonly number[]): void {
    for (let index = 0; index < numbers.length; index += 3) {
      const [key = 0, firstSeq = 0, position = 0] = numbers.slice(index, index + 3);
      this.#calls.set(key, { firstSeq, position });
    }
  }

  /** Forgets the calls of rows before a position, which are dropped. */
  prune(position: number): void {
    for (const [key, ended] of this.#calls) {
      if (ended.position >= position) return;
      this.#calls.delete(key);
    }
  }

  /** Returns the calls whose first change is before `firstSeq`, oldest first. */
  before(firstSeq: number): EndedCall[] {
    return [...this.#calls.values()]
      .filter((ended) => ended.firstSeq < firstSeq)
      .sort((one, other) => one.firstSeq - other.firstSeq);
  }

  #dropOldest(count: number): void {
    let left = count;
    for (const key of this.#calls.keys()) {
      if (left-- <= 0) return;
      this.#calls.delete(key);
    }
  }
}
