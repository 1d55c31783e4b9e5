/**
 * Begins reconciliation rounds when they are due, and reads the parties of new calls. The clock of the rounds moves only when one
 * has begun: one that could not begin, because the last one is still running, begins when that has finished.
 * @module
 */

import type { Link } from './link.ts';
import type { ReconcileSchedule } from './reconcile-schedule.ts';
import type { Reconcilers } from './reconcilers.ts';

/** The calls that are reconciled. */
export interface ReconciledCalls {
  /** Events may have been lost: a round is needed. */
  readonly isReconcileRequested: boolean;
  /** When the oldest active call began, in Unix milliseconds; infinity if there is none. */
  readonly oldestBegan: number;
  /** Rounds of these adapters have begun; undefined for one that serves the whole site. */
  onRoundBegun(adapters: readonly (string | undefined)[]): void;
  readonly byAdapter: { adapterOf(callid: string): string | undefined };
  /** Removes and returns the Call-IDs of calls whose parties must be read from OpenSIPS. */
  takeUnknownParties(): readonly string[];
}

export interface ReconcileDependencies {
  readonly calls: ReconciledCalls;
  readonly reconciler: Reconcilers;
  readonly reconcileSchedule: Pick<ReconcileSchedule, 'due' | 'onRoundBegun'>;
  readonly link: Pick<Link, 'isConnected'>;
}

export class ReconcileRounds {
  readonly #deps: ReconcileDependencies;
  constructor(deps: ReconcileDependencies) {
    this.#deps = deps;
  }

  /** Whether a round is to begin with the next {@link run}, whatever the time. */
  get isRequested(): boolean {
    const { calls, link, reconciler } = this.#deps;
    if (!link.isConnected) return false;
    return reconciler.hasOverdue || (calls.isReconcileRequested && !reconciler.isRoundRunning);
  }

  /**
   * When {@link run} is due, in Unix milliseconds; infinity for never.
   * @param isWatched whether clients watch calls
   */
  due(isWatched: boolean): number {
    const { calls, link, reconciler, reconcileSchedule } = this.#deps;
    // Without an adapter OpenSIPS cannot be asked. When it is back, that is a turn.
    if (!link.isConnected) return Number.POSITIVE_INFINITY;
    const due = reconcileSchedule.due(isWatched, calls.oldestBegan);
    // The last reply of a running round is a turn, too.
    return reconciler.isRoundRunning ? Math.max(due, reconciler.roundLostAt) : due;
  }

  /** Begins a round if one is due, and reads the parties of new calls. The requests are the reconciler's output. */
  run(isWatched: boolean, now: number): void {
    const { calls, reconciler, reconcileSchedule, link } = this.#deps;
    if (!link.isConnected) return;
    const unknownParties = calls.takeUnknownParties();
    const adapterOf = (callid: string) => calls.byAdapter.adapterOf(callid);
    if (unknownParties.length > 0) reconciler.readUnknownParties(unknownParties, adapterOf, now);
    const isNew = calls.isReconcileRequested || now >= reconcileSchedule.due(isWatched, calls.oldestBegan);
    const begun = reconciler.begin(now, isNew);
    if (begun.length === 0) return;
    calls.onRoundBegun(begun);
    reconcileSchedule.onRoundBegun(isWatched, now);
  }
}
