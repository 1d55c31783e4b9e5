/** What clients were shown: its numbers are never used for anything else, and it is never taken back. @module */
import { expect } from 'vitest';
import type { Calls } from '../../switchboard/calls/calls.ts';
import type { ShownChange } from './simulated-site.ts';

interface ShownCall {
  readonly callid: string;
  readonly seq: number;
}

export class ShownNumbers {
  /** What each number was shown for. */
  readonly #meanings = new Map<number, string>();
  /** The newest number of each call that was shown. */
  readonly #calls = new Map<string, number>();
  highest = 0;

  note(seq: number): void {
    this.highest = Math.max(this.highest, seq);
  }

  noteCalls(calls: readonly unknown[]): void {
    for (const { callid, seq } of calls as readonly ShownCall[]) {
      this.#expectSame(seq, callid);
      expect(seq, `the number of ${callid} goes back`).toBeGreaterThanOrEqual(this.#calls.get(callid) ?? 0);
      this.#calls.set(callid, seq);
    }
  }

  noteChanges(changes: readonly ShownChange[]): void {
    for (const change of changes) {
      if ('link' in change) continue;
      this.#expectSame(change.seq, change.call.callid);
      this.#calls.set(change.call.callid, Math.max(change.seq, this.#calls.get(change.call.callid) ?? 0));
    }
  }

  noteTimeline(timeline: readonly { readonly seq: number }[]): void {
    for (const { seq } of timeline) this.note(seq);
  }

  /** Expects each call that was shown to be at least as new, unless the log is no longer kept. */
  expectKept(calls: Calls, firstKept: number): void {
    for (const [callid, seq] of this.#calls) {
      if (seq < firstKept) continue;
      expect(calls.get(callid)?.call.seq, `${callid} was shown with ${seq}`).toBeGreaterThanOrEqual(seq);
    }
  }

  #expectSame(seq: number, meaning: string): void {
    expect(this.#meanings.get(seq) ?? meaning, `number ${seq}`).toBe(meaning);
    this.#meanings.set(seq, meaning);
    this.note(seq);
  }
}
