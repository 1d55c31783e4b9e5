/**
 * The calls that are read one by one: those that a reconciliation round has not listed, and new ones whose parties are unknown.
 * Each kind has a queue of its own, so that neither keeps the other waiting: on a busy site the second kind never ends. Pure.
 * @module
 */

/** Why a call is read. */
export type LookUpPurpose = 'round' | 'parties';

/** Pending requests for single calls: the requests of commands wait behind them. */
export const MAX_LOOK_UPS_PENDING = 32;

/** How many of them a round takes while the parties of other calls are to be read as well. */
const MAX_ROUND_PENDING = 24;

/** Calls in the queue whose parties are unknown. The next round brings those that found no room. */
export const MAX_QUEUED_PARTIES = 1_000;

export class LookUpQueue {
  /** Call-IDs in order. */
  readonly #queued: Readonly<Record<LookUpPurpose, Set<string>>> = { round: new Set(), parties: new Set() };
  readonly #pendingCounts: Record<LookUpPurpose, number> = { round: 0, parties: 0 };

  /** Adds calls that a round has not listed. */
  addUnlisted(callids: Iterable<string>): void {
    for (const callid of callids) {
      this.#queued.round.add(callid);
      // The same reply brings the parties.
      this.#queued.parties.delete(callid);
    }
  }

  /** Adds calls whose parties are unknown, as far as there is room. */
  addUnknownParties(callids: Iterable<string>): void {
    const { round, parties } = this.#queued;
    for (const callid of callids)
      if (parties.size < MAX_QUEUED_PARTIES && !round.has(callid)) parties.add(callid);
  }

  /** Removes and returns the next call to request, which is pending from now on; undefined if there is none, or no room. */
  next(): { readonly callid: string; readonly purpose: LookUpPurpose } | undefined {
    const { round, parties } = this.#pendingCounts;
    if (round + parties >= MAX_LOOK_UPS_PENDING) return undefined;
    const isRoundFirst = round < MAX_ROUND_PENDING || this.#queued.parties.size === 0;
    const purposes: readonly LookUpPurpose[] = isRoundFirst ? ['round', 'parties'] : ['parties', 'round'];
    for (const purpose of purposes) {
      const [callid] = this.#queued[purpose];
      if (callid === undefined) continue;
      this.#queued[purpose].delete(callid);
      this.#pendingCounts[purpose]++;
      return { callid, purpose };
    }
    return undefined;
  }

  /** A request is no longer pending: it is answered, or was given up. */
  onFinished(purpose: LookUpPurpose): void {
    this.#pendingCounts[purpose]--;
  }

  /** Whether the round has calls that are queued or pending. */
  get hasUnlisted(): boolean {
    return this.#queued.round.size + this.#pendingCounts.round > 0;
  }

  /** Drops what the round has queued. What is pending stays so. */
  clearUnlisted(): void {
    this.#queued.round.clear();
  }

  /** Drops everything that is queued. What is pending stays so. */
  clear(): void {
    this.clearUnlisted();
    this.#queued.parties.clear();
  }
}
