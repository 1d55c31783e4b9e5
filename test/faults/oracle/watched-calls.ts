/** Follows what a watch of the shipped client tells its program, as a program would: the calls that it believes active. @module */
import type { Call, Change } from '../../../client/index.ts';

export class WatchedCalls {
  /** The active calls by Call-ID. */
  readonly #active = new Map<string, Call>();
  /** The `seq` with which each call was last seen, also of those that have ended. */
  readonly #seqs = new Map<string, number>();
  readonly violations: string[] = [];
  /** False before the first snapshot, and while pages of one are missing. */
  #isComplete = false;
  #hasSnapshot = false;
  #lastSeq = 0;
  /** Snapshots that came in one piece, that came in several, and that a break has cut. */
  readonly counts = { whole: 0, paged: 0, resumedWithin: 0 };

  /** Whether the client says that the list is whole. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  onChange(change: Change): void {
    switch (change.type) {
      case 'snapshot':
      case 'reset':
        this.#onSnapshot(change);
        return;
      case 'page':
        if (this.#isComplete) this.violations.push('a page follows a snapshot that was said to be whole');
        for (const call of change.calls) this.#update(call);
        this.#isComplete = change.hasMore !== true;
        return;
      case 'resumed':
        if (!this.#hasSnapshot) this.violations.push('resumed before the first snapshot');
        if (!this.#isComplete) this.counts.resumedWithin++;
        return;
      case 'call':
        this.#advance(change.seq);
        this.#update(change.call);
        return;
      case 'link':
        // What the link is after a reconnect has no number of its own.
        this.#advance(change.seq, true);
    }
  }

  /**
   * Compares the list with that of `CallList`. Returns a description of each difference: none says that a snapshot or a change
   * is missing, unless the client still says that its list is not whole.
   */
  differencesFrom(listed: readonly Call[]): string[] {
    if (!this.#isComplete) return ['the list is said to be incomplete'];
    return differences(
      [...this.#active.values()].map((call) => [call.callid, describe(call)]),
      listed.map((call) => [call.callid, describe(call)]),
    );
  }

  #onSnapshot({ type, calls, seq, hasMore }: Extract<Change, { readonly type: 'snapshot' | 'reset' }>): void {
    if ((type === 'snapshot') === this.#hasSnapshot)
      this.violations.push(`${type} ${this.#hasSnapshot ? 'although' : 'before'} there was a snapshot`);
    this.#hasSnapshot = true;
    this.#isComplete = hasMore !== true;
    this.counts[this.#isComplete ? 'whole' : 'paged']++;
    this.#lastSeq = seq;
    this.#active.clear();
    this.#seqs.clear();
    for (const call of calls) this.#update(call);
  }

  #advance(seq: number, mayRepeat = false): void {
    if (!this.#hasSnapshot) this.violations.push(`change ${seq} before the first snapshot`);
    if (seq < this.#lastSeq || (seq === this.#lastSeq && !mayRepeat))
      this.violations.push(`change ${seq} after ${this.#lastSeq}`);
    this.#lastSeq = seq;
  }

  /** A page may be older than a change that arrived before it. */
  #update(call: Call): void {
    if (call.seq < (this.#seqs.get(call.callid) ?? 0)) return;
    this.#seqs.set(call.callid, call.seq);
    if (call.state === 'ended') this.#active.delete(call.callid);
    else this.#active.set(call.callid, call);
  }
}

/** Returns what is in one list and not in the other. Each entry is an id and a description. */
export function differences(
  shown: readonly (readonly [id: string, text: string])[],
  listed: readonly (readonly [id: string, text: string])[],
): string[] {
  const missing = new Map(listed);
  const found: string[] = [];
  for (const [id, text] of shown) {
    const expected = missing.get(id);
    if (expected === undefined) found.push(`${text} is not in CallList`);
    else if (expected !== text) found.push(`${text} is ${expected} in CallList`);
    missing.delete(id);
  }
  return [...found, ...[...missing.values()].map((text) => `${text} is missing`)];
}

const describe = ({ callid, state, seq }: Call): string => `${callid} (${state}, ${seq})`;
