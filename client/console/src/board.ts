/** The calls that the page knows: those that stand, and the last that ended. Pure. @module */
import type { Call } from '../../watching.ts';

/** Ended calls that are kept to look at; the edge has more (`CallList`). */
export const ENDED_KEPT = 500;

export class Board {
  readonly #standing = new Map<string, Call>();
  /** The oldest first. */
  readonly #ended = new Map<string, Call>();

  /** All there is; what was known before is void. */
  replace(calls: readonly Call[]): void {
    this.#standing.clear();
    this.#ended.clear();
    for (const call of calls.toSorted((a, b) => a.seq - b.seq)) this.put(call);
  }

  /** A call is now so. What is older than what is known changes nothing. */
  put(call: Call): void {
    const known = this.get(call.callid);
    if (known && known.seq > call.seq) return;
    if (call.state !== 'ended') {
      this.#ended.delete(call.callid);
      this.#standing.set(call.callid, call);
      return;
    }
    this.#standing.delete(call.callid);
    this.#ended.delete(call.callid);
    this.#ended.set(call.callid, call);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= ENDED_KEPT) break;
      this.#ended.delete(oldest);
    }
  }

  get(callid: string): Call | undefined {
    return this.#standing.get(callid) ?? this.#ended.get(callid);
  }

  /** Those that stand, the newest first. */
  standing(): Call[] {
    return [...this.#standing.values()].sort(newestFirst);
  }

  /** Those that have ended, the last first. */
  ended(): Call[] {
    return [...this.#ended.values()].reverse();
  }
}

/** By when they began; where that is the same, in any order that stays. */
function newestFirst(a: Call, b: Call): number {
  return b.began - a.began || (a.callid < b.callid ? -1 : 1);
}

/** Those with a party whose address has this in it. */
export function withAddress(calls: readonly Call[], text: string): readonly Call[] {
  const sought = text.trim().toLowerCase();
  if (sought === '') return calls;
  const has = (address: string | null) => address?.toLowerCase().includes(sought);
  return calls.filter(({ caller, callee, callid }) => has(caller) || has(callee) || has(callid));
}
