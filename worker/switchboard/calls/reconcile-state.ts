/** What the calls know of their reconciliation with OpenSIPS: what is requested, and what the running round has not listed. @module */
import type { Call } from '../../../shared/calls/call.ts';
import type { ListedCalls } from '../link/change-reader.ts';
import type { CallRecord } from './call-record.ts';

/** What is needed of a call. */
type ReconciledCall = Pick<CallRecord, 'callid' | 'firstSeq' | 'lastRound' | 'adapter'> & {
  readonly peek: () => { readonly dialogs: readonly unknown[] };
};

export class ReconcileState<Record extends ReconciledCall = CallRecord> {
  /** Call-IDs of new calls whose parties are unknown. */
  #unknownParties: string[] = [];
  #isRequested = false;
  /** The newest call when the last round began, by adapter. */
  readonly #roundStartSeqs = new Map<string | undefined, number>();

  /** Events may have been lost: a round is needed. */
  request(): void {
    this.#isRequested = true;
  }

  get isRequested(): boolean {
    return this.#isRequested;
  }

  /** A call has been added. */
  onAdded({ call: { caller, callid } }: Pick<CallRecord, 'call'>): void {
    if (caller === null) this.#unknownParties.push(callid);
  }

  /** Removes and returns the Call-IDs of added calls whose parties are still unknown, as far as `callOf` knows them. */
  takeUnknownParties(callOf: (callid: string) => Call | undefined): string[] {
    return this.#unknownParties.splice(0).filter((callid) => {
      const call = callOf(callid);
      return call?.caller === null && call.state !== 'ended';
    });
  }

  /** A round of each of these adapters begins. */
  onRoundBegun(
    newest: Pick<Record, 'firstSeq'> | undefined,
    adapters: readonly (string | undefined)[],
  ): void {
    this.#isRequested = false;
    for (const adapter of adapters) this.#roundStartSeqs.set(adapter, newest?.firstSeq ?? 0);
  }

  /**
   * Returns the Call-IDs of active calls that existed before a round and were not listed in it: those that are gone, and those for
   * which OpenSIPS must be asked. If the list was complete, every call is gone that had a dialog before.
   * @param adapter whose calls are meant; undefined for all
   * @param listedBefore calls that an earlier round has listed, and that still stand
   */
  unlisted(
    active: Iterable<Record>,
    round: number,
    isListComplete: boolean,
    adapter: string | undefined,
    listedBefore: ListedCalls,
  ): { readonly gone: readonly string[]; readonly unclear: readonly string[] } {
    const unlistedBefore = new Set(listedBefore.unlisted);
    const gone: string[] = [];
    const unclear: string[] = [];
    const roundStartSeq = this.#roundStartSeqs.get(adapter) ?? 0;
    for (const record of active) {
      if (adapter !== undefined && record.adapter !== adapter) continue;
      if (record.lastRound >= round || record.firstSeq > roundStartSeq) continue;
      if (record.firstSeq <= listedBefore.newestCall && !unlistedBefore.has(record.callid)) continue;
      (isListComplete && record.peek().dialogs.length > 0 ? gone : unclear).push(record.callid);
    }
    // In this order the events get the same numbers with and without a hibernation.
    return { gone: gone.sort(), unclear: unclear.sort() };
  }
}
