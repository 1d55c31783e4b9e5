/** The calls that the page knows: the active ones, and the last ones that ended. Pure. @module */
import type { Call } from '../../../connection/call.ts';

/** Ended calls that are stored. The edge stores more of them (`CallList`). */
export const MAX_ENDED_CALLS = 500;

export class CallList {
  readonly #active = new Map<string, Call>();
  /** Oldest first. */
  readonly #ended = new Map<string, Call>();

  /** Replaces all calls with those of a snapshot. */
  replace(calls: readonly Call[]): void {
    this.#active.clear();
    this.#ended.clear();
    for (const call of calls.toSorted((a, b) => a.seq - b.seq)) this.update(call);
  }

  /** Stores the new state of a call, unless the stored one is newer. */
  update(call: Call): void {
    const stored = this.get(call.callid);
    if (stored && stored.seq > call.seq) return;
    if (call.state !== 'ended') {
      this.#ended.delete(call.callid);
      this.#active.set(call.callid, call);
      return;
    }
    this.#active.delete(call.callid);
    this.#ended.delete(call.callid);
    this.#ended.set(call.callid, call);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= MAX_ENDED_CALLS) break;
      this.#ended.delete(oldest);
    }
  }

  get(callid: string): Call | undefined {
    return this.#active.get(callid) ?? this.#ended.get(callid);
  }

  /** Returns the active calls, newest first. */
  activeCalls(): Call[] {
    return [...this.#active.values()].sort(newestFirst);
  }

  /** Returns the ended calls, last ended first. */
  endedCalls(): Call[] {
    return [...this.#ended.values()].reverse();
  }
}

/** Orders by start time; calls that began at the same time by their Call-ID. */
function newestFirst(a: Call, b: Call): number {
  return b.began - a.began || (a.callid < b.callid ? -1 : 1);
}

/** Returns the calls whose caller, callee or Call-ID contains the text. */
export function filterByAddress(calls: readonly Call[], text: string): readonly Call[] {
  const search = text.trim().toLowerCase();
  if (search === '') return calls;
  const matches = (address: string | null) => address?.toLowerCase().includes(search);
  return calls.filter(({ caller, callee, callid }) => matches(caller) || matches(callee) || matches(callid));
}
