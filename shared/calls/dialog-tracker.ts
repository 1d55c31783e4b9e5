/**
 * Makes each call follow its dialogs: it has ended when none stands, and goes on if another one with its Call-ID shows up.
 * @module
 */
import { dialogState } from '../opensips/evi.ts';
import type { Dialog } from '../opensips/mi.ts';
import type { CallEntries, CallEntry } from './call-entries.ts';
import {
  areAlike,
  haveAllEnded,
  isStanding,
  type KnownDialog,
  standingState,
  withDialog,
  withNewestIn,
} from './dialogs.ts';
import { clearEvidence } from './end-cause.ts';

export class DialogTracker<Entry extends CallEntry> {
  readonly #entries: CallEntries<Entry>;
  readonly #isBeingMade: (callid: string) => boolean;
  readonly #onDialogsChanged: (entry: Entry) => void;

  /**
   * @param isBeingMade returns whether a running command is making a call
   * @param onDialogsChanged receives a call whose dialogs have changed: clients may see no change, but it must be stored
   */
  constructor(
    entries: CallEntries<Entry>,
    isBeingMade: (callid: string) => boolean,
    onDialogsChanged: (entry: Entry) => void,
  ) {
    this.#entries = entries;
    this.#isBeingMade = isBeingMade;
    this.#onDialogsChanged = onDialogsChanged;
  }

  /** Handles the state of a dialog, of which an event tells, and which state it had before: the event of that may have been lost. */
  onState(callid: string, id: string, state: number, at: number, stateBefore = 0): void {
    const known = this.#entries.get(callid);
    const wasAnswered = stateBefore >= dialogState.answered;
    const entry =
      known ?? this.#entries.add(callid, { type: 'dialog-state', state, wasAnswered }, at, { id });
    if (state !== dialogState.ended) entry.seenAt = at;
    if (known) this.#onState(known, id, state, at, wasAnswered);
  }

  /** Handles the state of a call, of which a command has learned. It does not tell which dialog it is. */
  onReported(callid: string, state: number, at: number): void {
    const entry = this.#entries.get(callid);
    if (!entry) {
      this.#entries.add(callid, { type: 'dialog-state', state }, at);
      return;
    }
    const { dialogs: before } = entry;
    if (entry.call.state !== 'ended') entry.dialogs = withNewestIn(before, state);
    if (!areAlike(before, entry.dialogs)) this.#entries.onHidden(entry);
    this.#entries.apply(entry, { type: 'dialog-state', state }, at);
  }

  /** See `CallCorrelator`. */
  onListed(dialog: Dialog, askedAt: number | undefined, now: number): Entry | undefined {
    const { callid, ID: id, state } = dialog;
    const known = this.#entries.get(callid);
    if (state === dialogState.ended) {
      // On a page, one that is not known may be the former dialog of a call whose other one is on another page.
      const isKnown = known?.dialogs.some(([each]) => each === id);
      if (known && (isKnown || askedAt !== undefined))
        this.#onState(known, id, state, now, dialog.timestart > 0);
      if (askedAt !== undefined) this.onMissing(callid, askedAt, now);
      return undefined;
    }
    const answeredAt = dialog.timestart > 0 ? Math.min(now, dialog.timestart * 1_000) : now;
    // The time of the answer is the earliest one that OpenSIPS lists.
    const entry = known ?? this.#entries.add(callid, { type: 'listed', dialog }, answeredAt, { id });
    if (known) {
      this.#onState(known, id, state, answeredAt);
      // The list was read before the dialog ended.
      if (!isStanding(known.dialogs, id)) return undefined;
      if (known.call.state === 'ended') this.#goOn(known, state, answeredAt);
      this.#entries.apply(known, { type: 'listed', dialog }, now);
    }
    entry.seenAt = now;
    return entry;
  }

  /** See `CallCorrelator`. */
  onMissing(callid: string, askedAt: number, now: number): void {
    const entry = this.#entries.get(callid);
    if (!entry || wasSeenSince(entry, askedAt, now)) return;
    this.#entries.apply(entry, { type: 'missing' }, now);
  }

  /** The command that was making a call has ended: the call does not go on any more, if none of its dialogs stands. */
  onNotBeingMade(callid: string, now: number): void {
    const entry = this.#entries.get(callid);
    if (entry && haveAllEnded(entry.dialogs)) this.#end(entry, now);
  }

  /** What is no news of the dialog is no news of the call, except that it had been answered. */
  #onState(entry: Entry, id: string, state: number, at: number, wasAnswered = false): void {
    const { dialogs: before, call: callBefore } = entry;
    // What a command has reported of the call was about its first dialog.
    const isReported =
      before.length === 0 && callBefore.state !== 'ended' && callBefore.answered !== undefined;
    entry.dialogs = withDialog(before, id, isReported ? Math.max(state, dialogState.answered) : state);
    if (!areAlike(before, entry.dialogs)) this.#entries.onHidden(entry);
    const standing = standingState(entry.dialogs);
    const isNews = entry.dialogs !== before;
    if (standing === undefined && (isNews || wasAnswered)) this.#end(entry, at, wasAnswered);
    if (!isNews) return;
    if (standing !== undefined && state === dialogState.ended) this.#onOtherStands(entry, standing, at);
    else if (standing !== undefined) this.#onStanding(entry, before, standing, at);
    const isOther = before.length > 0 && entry.dialogs.length > before.length;
    if (isOther || state === dialogState.ended) this.#onDialogsChanged(entry);
  }

  #onStanding(entry: Entry, before: readonly KnownDialog[], state: number, at: number): void {
    if (entry.call.state === 'ended') {
      this.#goOn(entry, state, at);
      return;
    }
    if (haveAllEnded(before)) this.#entries.changeEvidence(entry, clearEvidence);
    this.#entries.apply(entry, { type: 'dialog-state', state }, at);
  }

  /** A dialog has ended, and another one stands: the call was answered in the one, and may ring in the other. */
  #onOtherStands(entry: Entry, standing: number, at: number): void {
    if (entry.call.state !== 'ended') this.#entries.apply(entry, { type: 'goes-on', state: standing }, at);
  }

  #goOn(entry: Entry, state: number, at: number): void {
    this.#entries.changeEvidence(entry, clearEvidence);
    this.#entries.apply(entry, { type: 'goes-on', state }, at);
  }

  /**
   * Ends a call none of whose dialogs stands. While a command is making it, it may go on in another dialog: it has ended when the
   * command has, which is within its deadline.
   */
  #end(entry: Entry, at: number, wasAnswered = false): void {
    const { call } = entry;
    if (call.answered === undefined && this.#isBeingMade(call.callid)) return;
    this.#entries.apply(entry, { type: 'dialog-state', state: dialogState.ended, wasAnswered }, at);
  }
}

/** Returns whether OpenSIPS had a dialog of the call after it was asked. A time in the future is from before the clock was set back. */
function wasSeenSince({ seenAt }: Pick<CallEntry, 'seenAt'>, askedAt: number, now: number): boolean {
  return seenAt >= askedAt && seenAt <= now;
}
