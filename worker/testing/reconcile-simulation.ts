/**
 * Reconciliation by simulated time: a watched site whose OpenSIPS has calls of others, and answers `dlg_list` after a delay. The
 * components are the real ones; the simulation ends their turns, as `CommitQueue` does.
 * @module
 */
import type { Dialog } from '../../shared/opensips/mi.ts';
import { Calls } from '../switchboard/calls/calls.ts';
import type { ReconcileRequest } from '../switchboard/link/dialog-reconciler.ts';
import { DialogReconciler } from '../switchboard/link/dialog-reconciler.ts';
import { ReconcileRounds } from '../switchboard/link/reconcile-rounds.ts';
import { ReconcileSchedule } from '../switchboard/link/reconcile-schedule.ts';
import { Reconcilers } from '../switchboard/link/reconcilers.ts';
import { CommandLog } from '../switchboard/store/command-log.ts';
import { dialogEvent } from './scenarios.ts';

/** When the simulation begins, in Unix milliseconds. */
const START = 1_800_000_000_000;

/** From the beginning of a call of others to its answer and its end, in milliseconds. */
const ANSWER_MS = 1_000;
const END_MS = 4_000;

/** A turn without output is committed this much later, in milliseconds, as in `CommitQueue`. */
const SILENT_COMMIT_MS = 50;

export interface Traffic {
  /** Calls of others that begin in a second. */
  readonly callsPerSecond: number;
  /** From a request to its reply, in milliseconds. */
  readonly miDelayMs: number;
}

/** A round, in milliseconds since the beginning of the simulation. */
export interface Round {
  readonly beganAt: number;
  finishedAt: number | undefined;
}

export class ReconcileSimulation {
  readonly calls: Calls;
  readonly rounds: Round[] = [];
  readonly #traffic: Traffic;
  readonly #reconciler: Reconcilers;
  readonly #rounds: ReconcileRounds;
  readonly #dialogs = new Map<string, Dialog>();
  /** What happens, by its time. */
  readonly #agenda = new Map<number, (() => void)[]>();
  #now = START;
  #callCount = 0;
  #alarmAt = Number.POSITIVE_INFINITY;
  #isCommitPlanned = false;

  constructor(sql: SqlStorage, traffic: Traffic) {
    this.#traffic = traffic;
    let lastSeq = 0;
    this.calls = new Calls(new CommandLog(sql), () => ++lastSeq);
    this.calls.setWatched(true, START);
    const { calls } = this;
    const reconciler = new DialogReconciler({
      onDialog: (dialog, round) => calls.onDialog(dialog, round, this.#now),
      onLookUp: (dialog, askedAt) => calls.onLookUp(dialog, askedAt, this.#now),
      onMissing: (callid, askedAt) => calls.onMissing(callid, askedAt, this.#now),
      onRoundRead: (round, completeSince) => calls.onRoundRead(round, completeSince, this.#now),
      newestCall: () => calls.newestCall(),
    });
    this.#reconciler = new Reconcilers(() => reconciler);
    this.#reconciler.onLinkUp('stream');
    this.#rounds = new ReconcileRounds({
      calls: {
        get isReconcileRequested() {
          return calls.isReconcileRequested;
        },
        get oldestBegan() {
          return calls.oldestBegan;
        },
        byAdapter: calls.byAdapter,
        takeUnknownParties: () => calls.takeUnknownParties(),
        onRoundBegun: () => {
          this.rounds.push({ beganAt: this.#now - START, finishedAt: undefined });
          calls.onRoundBegun();
        },
      },
      reconciler: this.#reconciler,
      reconcileSchedule: new ReconcileSchedule(sql, START),
      link: { isConnected: true },
    });
    this.#after(0, () => this.#commit());
    if (traffic.callsPerSecond > 0) this.#after(0, () => this.#beginCallOfOthers());
  }

  /** Lets time pass up to `ms` milliseconds since the beginning. */
  runUntil(ms: number): void {
    for (; this.#now <= START + ms; this.#now++) {
      for (const run of this.#agenda.get(this.#now) ?? []) {
        run();
        this.#endTurn();
      }
      this.#agenda.delete(this.#now);
      if (this.#now < this.#alarmAt) continue;
      this.#alarmAt = Number.POSITIVE_INFINITY;
      this.#commit();
    }
  }

  /** Begins a call in OpenSIPS, which is answered at once. No event of it arrives. */
  beginUnseen(callid: string): void {
    this.#dialogs.set(callid, dialogOf(callid, 4));
  }

  /** Ends a call in OpenSIPS. No event of it arrives. */
  endUnseen(callid: string): void {
    this.#dialogs.delete(callid);
  }

  #after(ms: number, run: () => void): void {
    const at = this.#now + Math.max(1, ms);
    this.#agenda.set(at, [...(this.#agenda.get(at) ?? []), run]);
  }

  #beginCallOfOthers(): void {
    const callid = `other-${++this.#callCount}`;
    this.#changeDialog(callid, 1, 2);
    this.#after(ANSWER_MS, () => this.#changeDialog(callid, 2, 4));
    this.#after(END_MS, () => this.#changeDialog(callid, 4, 5));
    this.#after(1_000 / this.#traffic.callsPerSecond, () => this.#beginCallOfOthers());
  }

  #changeDialog(callid: string, from: number, to: number): void {
    if (to === 5) this.#dialogs.delete(callid);
    else this.#dialogs.set(callid, dialogOf(callid, to));
    this.calls.onEvent(dialogEvent(callid, from, to), this.#now);
  }

  #endTurn(): void {
    if (this.#reconciler.hasOutput) this.#commit();
    else if ((this.calls.hasUnwritten || this.#rounds.isRequested) && !this.#isCommitPlanned) {
      this.#isCommitPlanned = true;
      this.#after(SILENT_COMMIT_MS, () => this.#commit());
    }
    const round = this.rounds.at(-1);
    if (round && !this.#reconciler.isRoundRunning) round.finishedAt ??= this.#now - START;
  }

  #commit(): void {
    this.#isCommitPlanned = false;
    this.#rounds.run(true, this.#now);
    this.calls.write(0, this.#now);
    this.calls.takeChanges();
    for (const request of this.#reconciler.takeRequests()) {
      const half = this.#traffic.miDelayMs / 2;
      this.#after(half, () => {
        const answer = this.#answer(request);
        this.#after(half, () => this.#reconciler.onReply({ id: request.id, ...answer }, this.#now));
      });
    }
    const due = this.#rounds.due(true);
    // A due time that has passed would fire the alarm for ever.
    if (due <= this.#now) throw new Error(`due: ${due} is not after ${this.#now}.`);
    this.#alarmAt = Math.min(this.#alarmAt, due);
  }

  #answer({ params }: ReconcileRequest): {
    readonly result?: unknown;
    readonly error?: { code: number; message: string };
  } {
    if ('callid' in params) {
      const dialog = this.#dialogs.get(String(params['callid']));
      return dialog
        ? { result: { Dialog: dialog } }
        : { error: { code: 404, message: 'Requested Dialog not found' } };
    }
    const { index = 0, counter = 0 } = params as { index?: number; counter?: number };
    const all = [...this.#dialogs.values()].sort((one, other) => bucketOf(one) - bucketOf(other));
    return { result: { count: all.length, Dialogs: all.slice(index, index + counter) } };
  }
}

/** The list is in the order of OpenSIPS's hash table: where a call is in it has nothing to do with its age. */
function bucketOf({ callid }: Dialog): number {
  let hash = 0;
  for (const character of callid) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

function dialogOf(callid: string, state: number): Dialog {
  const parties = { from_uri: 'sip:a@127.0.0.1', to_uri: 'sip:b@127.0.0.1' };
  return { ID: `id.${callid}`, state, timestart: 0, callid, ...parties };
}
