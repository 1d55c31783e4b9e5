/**
 * The calls of a site: finds the call to which an event, a command or a dialog of `dlg_list` belongs, and updates it. Pure:
 * its owner stores the calls and notifies their watchers.
 * @module
 */
import { dialogState, type EviEvent, type Leg, type TransferEvent } from '../opensips/evi.ts';
import type { Dialog } from '../opensips/mi.ts';
import { errorCode } from '../protocol/rpc/jsonrpc.ts';
import { type Command, hasEnded, metadataOf, type Notification } from '../runner/stored-command.ts';
import { type CallFacts, ENDED_BY_CALL_END } from './call.ts';
import { CallEntries, type CallEntry, type OnChange } from './call-entries.ts';
import { callidIn, factsOf, failureReason, isLeg, legIn, legsOf, newCallOf } from './command-facts.ts';
import { DialogTracker } from './dialog-tracker.ts';
import { withUnansweredEnded } from './dialogs.ts';
import { mayGoOn } from './end-cause.ts';
import { NewCalls } from './new-calls.ts';

/** Events of commands that mean that the call of their `callid` is answered. */
const ANSWERED_EVENTS = ['CalleeAnswered', 'TransferSuccessful'];

/** The status with which OpenSIPS rejects a hold or unhold if all legs are in that state already. */
const ALREADY_IN_THAT_STATE = 480;

export class CallCorrelator<Entry extends CallEntry = CallEntry> {
  readonly #entries: CallEntries<Entry>;
  readonly #dialogs: DialogTracker<Entry>;
  /** The new calls of running commands. */
  readonly #newCalls = new NewCalls();

  /**
   * @param createEntry adds what the owner stores with a new call
   * @param onChange receives each change, in order; it has to set the `seq` of the call
   * @param onDialogsChanged receives a call whose dialogs have changed: clients may see no change, but it must be stored
   * @param onHidden receives a call of which something else has changed that clients do not see yet, such as why it will have ended
   * @param readEntry reads an ended call that was removed
   */
  constructor(
    createEntry: (entry: CallEntry) => Entry,
    onChange: OnChange<Entry>,
    onDialogsChanged: (entry: Entry) => void = () => {},
    onHidden: (entry: Entry) => void = () => {},
    readEntry?: (callid: string) => Entry | undefined,
  ) {
    this.#entries = new CallEntries(createEntry, onChange, onHidden, readEntry);
    const isBeingMade = (callid: string) => this.#newCalls.has(callid);
    this.#dialogs = new DialogTracker(this.#entries, isBeingMade, onDialogsChanged);
  }

  get(callid: string): Entry | undefined {
    return this.#entries.get(callid);
  }

  /** Returns a call that need not be read. */
  inMemory(callid: string): Entry | undefined {
    return this.#entries.inMemory(callid);
  }

  /** Adds a call that was stored. */
  restore(callid: string, entry: Entry): void {
    this.#entries.set(callid, entry);
  }

  /** Takes out an ended call: from now on it is read when something concerns it. */
  remove(callid: string): void {
    this.#entries.remove(callid);
  }

  /** Handles a new command. */
  onCommandStarted(command: Command, now: number): void {
    this.onCommandRestored(command);
    const { method, callids = [] } = command;
    if (method === 'CallStart') return;
    const metadata = metadataOf(command);
    for (const callid of callids) {
      const entry = this.#entries.get(callid);
      if (!entry) continue;
      if (method === 'CallEnd' && entry.call.state !== 'ended')
        this.#entries.changeEvidence(entry, (evidence) => {
          evidence.endReason = ENDED_BY_CALL_END;
        });
      if (metadata) this.#entries.apply(entry, { type: 'facts', facts: { metadata } }, now);
    }
  }

  /** Handles a command that is still running after a restore: what it has changed is stored with the calls. */
  onCommandRestored(command: Command): void {
    const { method, callids = [], subject, owner = subject } = command;
    const [firstLeg] = callids;
    const newCallid = newCallOf(command);
    if (newCallid !== undefined) this.#newCalls.set(command.id, newCallid);
    if (method !== 'CallStart' || firstLeg === undefined || hasEnded(command)) return;
    const error = command.notifications.find(({ event }) => event === 'Error');
    this.#entries.expect(firstLeg, factsOf(command), owner, error ? { endReason: failureReason(error) } : {});
  }

  /** Handles a notification of a command to its client. */
  onNotification(command: Command, notification: Notification, now: number): void {
    const { method, callids = [] } = command;
    const { event, data } = notification;
    const [firstLeg] = callids;
    const newCallid = callidIn(data);
    switch (event) {
      case 'CallerRinging':
        if (firstLeg !== undefined) this.#dialogs.onReported(firstLeg, dialogState.ringing, now);
        break;
      case 'CallerAnswered':
        if (firstLeg !== undefined) this.#dialogs.onReported(firstLeg, dialogState.answered, now);
        break;
      case 'CallHoldSuccessful':
      case 'CallUnholdSuccessful':
        this.#onLegReported(firstLeg, legIn(data), event === 'CallHoldSuccessful', now);
        break;
      case 'TransferStart':
      case 'CalleeAnswered':
      case 'TransferSuccessful':
        if (newCallid !== undefined)
          this.#onNewCall(command, newCallid, ANSWERED_EVENTS.includes(event), now);
        break;
      case 'Error':
        this.#onCommandFailed(command, notification, now);
        break;
      case 'Ended':
        if (method === 'CallStart' && firstLeg !== undefined) this.#onCallStartEnded(firstLeg, now);
        this.#onCommandEnded(command, now);
        break;
      default:
    }
  }

  /** Handles an event of OpenSIPS. */
  onEvent({ name, params }: EviEvent, at: number): void {
    const { callid } = params;
    const entry = this.#entries.get(callid);
    switch (name) {
      case 'E_DLG_STATE_CHANGED':
        this.#dialogs.onState(callid, params.id, params.new_state, at, params.old_state);
        break;
      case 'E_CALL_HOLD':
        if (entry && params.state === 'ok' && isLeg(params.leg))
          this.#entries.apply(entry, { type: 'hold', leg: params.leg, isHeld: params.action === 'hold' }, at);
        break;
      case 'E_CALL_TRANSFER':
        this.#onTransferEvent(params, entry, at);
        break;
      case 'E_CALL_REFUSED':
        if (entry) this.#onRefused(entry, params.status, 'opensips', at);
        else this.#entries.noteEarlyRefusal(callid, params.status);
        break;
      case 'E_CALL_BYE':
        if (!entry || !isLeg(params.leg)) break;
        this.#onHungUp(entry, params.leg, at);
    }
  }

  /**
   * Handles a dialog of `dlg_list`. Returns its call; undefined if the dialog has ended.
   * @param askedAt when OpenSIPS was asked for this Call-ID, so that no dialog with it stood if this one has ended; undefined if
   * the dialog is on a page of the list
   */
  onDialog(dialog: Dialog, askedAt: number | undefined, now: number): Entry | undefined {
    return this.#dialogs.onListed(dialog, askedAt, now);
  }

  /** Handles a call that OpenSIPS did not know at `askedAt`. It may have begun, or gone on in another dialog, since then. */
  onMissing(callid: string, askedAt: number, now: number): void {
    this.#dialogs.onMissing(callid, askedAt, now);
  }

  /** Another adapter has the call from now on. */
  moveTo(callid: string, adapter: string, now: number): void {
    const entry = this.#entries.get(callid);
    if (entry) this.#entries.apply(entry, { type: 'facts', facts: { adapter } }, now);
  }

  /** The adapter that has the call was lost, and has not come back in time. */
  onAdapterLost(callid: string, now: number): void {
    const entry = this.#entries.get(callid);
    if (entry) this.#entries.apply(entry, { type: 'adapter-lost' }, now);
  }

  /** A command requests the end of a call from OpenSIPS. */
  onEndRequested(callid: string): void {
    if (this.#entries.evidenceOf(callid)?.endRequest !== undefined) return;
    this.#entries.changeEvidenceOf(callid, (evidence) => {
      evidence.endRequest = 'pending';
    });
  }

  /** OpenSIPS has replied: it ends the call, or it does not, so that somebody else has ended it or will. */
  onEndReply(callid: string, isEnding: boolean, now: number): void {
    if (this.#entries.evidenceOf(callid)?.endRequest !== 'pending') return;
    this.#entries.changeEvidenceOf(callid, (evidence) => {
      if (isEnding) evidence.endRequest = 'confirmed';
      else delete evidence.endRequest;
    });
    if (isEnding) return;
    const entry = this.#entries.get(callid);
    if (entry) this.#entries.apply(entry, { type: 'not-ended-by-api' }, now);
  }

  /** Handles the new call of a command, which is being made or answered. */
  #onNewCall(command: Command, callid: string, isAnswered: boolean, now: number): void {
    const { callids = [], subject, owner = subject } = command;
    this.#newCalls.set(command.id, callid);
    const facts = this.#factsOfNewCall(command);
    const known = this.#entries.get(callid);
    const entry = known ?? this.#entries.add(callid, undefined, now, { facts, owner });
    if (entry.owner === undefined) {
      entry.owner = owner;
      this.#entries.onHidden(entry);
    }
    if (known) this.#entries.apply(entry, { type: 'facts', facts }, now);
    if (isAnswered) this.#dialogs.onReported(callid, dialogState.answered, now);
    for (const oldCallid of callids) this.#onTransferred(oldCallid, callid, isAnswered ? 'ok' : 'start', now);
  }

  #onTransferred(oldCallid: string, became: string, state: 'start' | 'ok', at: number): void {
    const entry = this.#entries.get(oldCallid);
    if (!entry || oldCallid === became || entry.transferredTo === became) return;
    if (state === 'ok') {
      entry.transferredTo = became;
      this.#entries.onHidden(entry);
    }
    this.#entries.apply(entry, { type: 'transfer', state, became }, at);
  }

  #onTransferEvent(
    { callid, transfer_callid: newCallid, state, status }: TransferEvent['params'],
    entry: Entry | undefined,
    at: number,
  ): void {
    if (newCallid === '' || (state !== 'start' && state !== 'ok' && state !== 'fail')) return;
    const newEntry = this.#entries.get(newCallid);
    if (state === 'fail') {
      // The command that makes the new call decides whether it goes on.
      const isOpen = mayGoOn(status) && this.#newCalls.has(newCallid);
      if (entry && entry.call.became === newCallid && !isOpen)
        this.#entries.apply(entry, { type: 'transfer', state, status }, at);
      if (newEntry) this.#onNewCallFailed(newEntry, status, at);
      return;
    }
    const facts = this.#entries.get(callid) ? { from: callid } : {};
    if (newEntry) this.#entries.apply(newEntry, { type: 'facts', facts }, at);
    else this.#entries.add(newCallid, undefined, at, { facts });
    this.#onTransferred(callid, newCallid, state, at);
  }

  /** A phone has refused the new call of a transfer. After some statuses only the dialog can tell that it has ended. */
  #onNewCallFailed(entry: Entry, status: string, at: number): void {
    this.#onRefused(entry, status, undefined, at);
    if (mayGoOn(status) || entry.call.state === 'ended' || entry.call.answered !== undefined) return;
    entry.dialogs = withUnansweredEnded(entry.dialogs);
    this.#entries.apply(entry, { type: 'dialog-state', state: dialogState.ended }, at);
  }

  #onHungUp(entry: Entry, leg: Leg, at: number): void {
    this.#entries.changeEvidence(entry, (evidence) => {
      evidence.hungUpBy = leg;
    });
    this.#entries.apply(entry, { type: 'end-cause', by: leg }, at);
  }

  #onRefused(entry: Entry, status: string, by: 'opensips' | undefined, at: number): void {
    // The call may go on already, in another dialog than the one that was challenged.
    if (entry.call.answered !== undefined || (mayGoOn(status) && entry.dialogs.length > 1)) return;
    const cause = by ? { by } : {};
    this.#entries.changeEvidence(entry, (evidence) => {
      evidence.refusal = { ...evidence.refusal, ...cause, status };
    });
    this.#entries.apply(entry, { type: 'end-cause', reason: status, ...cause }, at);
  }

  /** Handles the `Error` of a command. */
  #onCommandFailed(command: Command, notification: Notification, now: number): void {
    const { method, callids = [] } = command;
    const { error } = notification;
    const reason = failureReason(notification);
    const [firstLeg] = callids;
    const newEntry = this.#entries.get(this.#newCalls.of(command.id));
    if (newEntry && error?.sip) this.#onRefused(newEntry, reason, undefined, now);
    if (method === 'CallStart') {
      if (firstLeg !== undefined) this.#onCallStartFailed(firstLeg, reason, now);
      return;
    }
    const isHold = method === 'CallHold' || method === 'CallUnhold';
    const isTransfer = method === 'CallBlindTransfer' || method === 'CallAttendedTransfer';
    for (const callid of callids) {
      const entry = this.#entries.get(callid);
      if (!entry) continue;
      if (method === 'CallEnd' && entry.evidence.endReason === ENDED_BY_CALL_END)
        this.#entries.changeEvidence(entry, (evidence) => delete evidence.endReason);
      if (isHold && error?.code === errorCode.miRefused && error.sip?.status === ALREADY_IN_THAT_STATE) {
        for (const leg of legsOf(command))
          this.#entries.apply(entry, { type: 'hold', leg, isHeld: method === 'CallHold' }, now);
      }
      if (isTransfer) this.#entries.apply(entry, { type: 'transfer', state: 'fail', status: reason }, now);
    }
  }

  #onCallStartFailed(firstLeg: string, reason: string, now: number): void {
    this.#entries.changeEvidenceOf(firstLeg, (evidence) => {
      evidence.endReason = reason;
    });
    const entry = this.#entries.get(firstLeg);
    if (!entry) return;
    this.#entries.apply(entry, { type: 'transfer', state: 'fail', status: reason }, now);
    this.#entries.apply(entry, { type: 'end-cause', reason }, now);
  }

  /** Adds the first leg as an ended call if no event of it has arrived: there was an attempt to call all the same. */
  #onCallStartEnded(firstLeg: string, now: number): void {
    if (!this.#entries.get(firstLeg)) this.#dialogs.onReported(firstLeg, dialogState.ended, now);
    this.#entries.stopExpecting(firstLeg);
  }

  #onCommandEnded({ id }: Command, now: number): void {
    const newCallid = this.#newCalls.delete(id);
    if (newCallid !== undefined) this.#dialogs.onNotBeingMade(newCallid, now);
  }

  #onLegReported(callid: string | undefined, leg: Leg | undefined, isHeld: boolean, now: number): void {
    const entry = this.#entries.get(callid);
    if (entry && leg) this.#entries.apply(entry, { type: 'hold', leg, isHeld }, now);
  }

  /** Returns the parties of the call that a command makes, whatever the phones write, and where the call comes from. */
  #factsOfNewCall(command: Command): CallFacts {
    const facts = factsOf(command);
    const { callids = [], params } = command;
    const [first, second] = callids;
    const from = first === undefined ? {} : { from: first };
    if (command.method === 'CallStart') return { ...facts, ...from };
    const { leg, legA, legB, destination } = params as Readonly<Record<string, string | undefined>>;
    const caller = this.#party(first, leg ?? legA);
    const callee = destination ?? this.#party(second, legB);
    return { ...facts, ...from, caller, callee };
  }

  #party(callid: string | undefined, leg: string | undefined): string | null {
    const call = callid === undefined ? undefined : this.#entries.get(callid)?.call;
    return call && isLeg(leg) ? call[leg] : null;
  }
}
