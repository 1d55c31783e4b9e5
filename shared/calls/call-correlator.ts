/**
 * The calls of a site: finds the call to which an event, a command or a dialog of `dlg_list` belongs, and updates it. Pure:
 * its owner stores the calls and notifies their watchers.
 * @module
 */
import { dialogState, type EviEvent, type Leg, type TransferEvent } from '../opensips/evi.ts';
import type { Dialog } from '../opensips/mi.ts';
import { errorCode } from '../protocol/rpc/jsonrpc.ts';
import { type Command, metadataOf, type Notification } from '../runner/stored-command.ts';
import {
  applyInput,
  type Call,
  type CallEventName,
  type CallFacts,
  type CallInput,
  eventForState,
  type Metadata,
  newCall,
} from './call.ts';

/** A call, with what clients do not see of it. */
export interface CallEntry {
  call: Call;
  /** The subject whose command made the call. Default: none did. */
  owner?: string;
  /** The reason to give when the call ends, as far as a command knows it. */
  endReason?: string;
  /** The Call-ID of the new call, once the transfer is known to have succeeded. */
  transferredTo?: string;
}

/** What a command knows of the first leg of a CallStart, before OpenSIPS raises an event for it. */
interface ExpectedCall {
  readonly facts: CallFacts;
  readonly owner: string;
  endReason?: string;
}

/** Events of commands that mean that the call of their `callid` is answered. */
const ANSWERED_EVENTS = ['CalleeAnswered', 'TransferSuccessful'];

/** The status with which OpenSIPS rejects a hold or unhold if all legs are in that state already. */
const ALREADY_IN_THAT_STATE = 480;

const ENDED_BY_CALL_END = 'ended by CallEnd';

export class CallCorrelator<Entry extends CallEntry = CallEntry> {
  /** By Call-ID. */
  readonly #entries = new Map<string, Entry>();
  /** First legs of running CallStarts, by Call-ID. */
  readonly #expected = new Map<string, ExpectedCall>();
  readonly #createEntry: (entry: CallEntry) => Entry;
  readonly #onChange: (entry: Entry, event: CallEventName, at: number, data?: unknown) => void;

  /**
   * @param createEntry adds what the owner stores with a new call
   * @param onChange receives each change, in order; it has to set the `seq` of the call
   */
  constructor(
    createEntry: (entry: CallEntry) => Entry,
    onChange: (entry: Entry, event: CallEventName, at: number, data?: unknown) => void,
  ) {
    this.#createEntry = createEntry;
    this.#onChange = onChange;
  }

  get(callid: string): Entry | undefined {
    return this.#entries.get(callid);
  }

  /** Adds a call that was stored. */
  restore(entry: Entry): void {
    this.#entries.set(entry.call.callid, entry);
  }

  remove(callid: string): void {
    this.#entries.delete(callid);
  }

  /** Handles a new command, or one that is still running after a restore. */
  onCommandStarted(command: Command, now: number): void {
    const { method, callids = [], subject, owner = subject } = command;
    const metadata = metadataOf(command);
    const [firstLeg] = callids;
    if (method === 'CallStart') {
      if (firstLeg !== undefined) this.#expected.set(firstLeg, { facts: factsOf(command), owner });
      return;
    }
    for (const callid of callids) {
      const entry = this.#entries.get(callid);
      if (!entry) continue;
      if (method === 'CallEnd' && entry.call.state !== 'ended') entry.endReason = ENDED_BY_CALL_END;
      if (metadata) this.#apply(entry, { type: 'facts', facts: { metadata } }, now);
    }
  }

  /** Handles a notification of a command to its client. */
  onNotification(command: Command, notification: Notification, now: number): void {
    const { method, callids = [] } = command;
    const { event, data } = notification;
    const [firstLeg] = callids;
    const newCallid = callidIn(data);
    switch (event) {
      case 'CallerRinging':
        if (firstLeg !== undefined) this.#onDialogState(firstLeg, dialogState.ringing, now);
        break;
      case 'CallerAnswered':
        if (firstLeg !== undefined) this.#onDialogState(firstLeg, dialogState.answered, now);
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
        break;
      default:
    }
  }

  /** Handles an event of OpenSIPS. */
  onEvent({ name, params }: EviEvent, at: number): void {
    const entry = this.#entries.get(params.callid);
    switch (name) {
      case 'E_DLG_STATE_CHANGED':
        if (entry?.call.state !== 'ended') this.#onDialogState(params.callid, params.new_state, at);
        break;
      case 'E_CALL_HOLD':
        if (entry && params.state === 'ok' && isLeg(params.leg))
          this.#apply(entry, { type: 'hold', leg: params.leg, isHeld: params.action === 'hold' }, at);
        break;
      case 'E_CALL_TRANSFER':
        this.#onTransferEvent(params, entry, at);
    }
  }

  /** Handles a dialog of `dlg_list`. Returns its entry; undefined if an unknown dialog has ended. */
  onDialog(dialog: Dialog, now: number): Entry | undefined {
    const known = this.#entries.get(dialog.callid);
    if (!known && dialog.state === dialogState.ended) return undefined;
    if (known) this.#apply(known, { type: 'listed', dialog }, now);
    else this.#add(dialog.callid, { type: 'listed', dialog }, startOf(dialog, now));
    return this.#entries.get(dialog.callid);
  }

  /** Handles a call that OpenSIPS does not know any more. */
  onMissing(callid: string, now: number): void {
    const entry = this.#entries.get(callid);
    if (entry) this.#apply(entry, { type: 'missing', ...optionalReason(entry.endReason) }, now);
  }

  #onDialogState(callid: string, state: number, at: number): void {
    const entry = this.#entries.get(callid);
    const reason = entry?.endReason ?? this.#expected.get(callid)?.endReason;
    const input: CallInput = { type: 'dialog-state', state, ...optionalReason(reason) };
    if (entry) this.#apply(entry, input, at);
    else this.#add(callid, input, at);
  }

  #apply(entry: Entry, input: CallInput, at: number): void {
    const { call, event, data } = applyInput(entry.call, input, at);
    if (event === undefined) return;
    entry.call = call;
    this.#onChange(entry, event, at, data);
  }

  /** Adds an unknown call, with the first input that concerns it. */
  #add(
    callid: string,
    input: CallInput | undefined,
    at: number,
    facts?: CallFacts,
    owner = this.#expected.get(callid)?.owner,
  ): Entry {
    const expected = this.#expected.get(callid);
    const added = newCall(callid, at, { ...expected?.facts, ...facts });
    const { call, event, data } = input ? applyInput(added, input, at) : { call: added };
    const entry = this.#createEntry({ call, ...(owner === undefined ? {} : { owner }) });
    if (expected?.endReason !== undefined) entry.endReason = expected.endReason;
    this.#entries.set(callid, entry);
    this.#onChange(entry, event ?? eventForState(call), at, data);
    return entry;
  }

  /** Handles the new call of a command, which is being made or answered. */
  #onNewCall(command: Command, callid: string, isAnswered: boolean, now: number): void {
    const { callids = [], subject, owner = subject } = command;
    const facts = this.#factsOfNewCall(command);
    const known = this.#entries.get(callid);
    const entry = known ?? this.#add(callid, undefined, now, facts, owner);
    entry.owner ??= owner;
    if (known) this.#apply(entry, { type: 'facts', facts }, now);
    if (isAnswered) this.#apply(entry, { type: 'dialog-state', state: dialogState.answered }, now);
    for (const oldCallid of callids) this.#onTransferred(oldCallid, callid, isAnswered ? 'ok' : 'start', now);
  }

  #onTransferred(oldCallid: string, became: string, state: 'start' | 'ok', at: number): void {
    const entry = this.#entries.get(oldCallid);
    if (!entry || oldCallid === became || entry.transferredTo === became) return;
    if (state === 'ok') entry.transferredTo = became;
    this.#apply(entry, { type: 'transfer', state, became }, at);
  }

  #onTransferEvent(
    { callid, transfer_callid: newCallid, state, status }: TransferEvent['params'],
    entry: Entry | undefined,
    at: number,
  ): void {
    if (newCallid === '' || (state !== 'start' && state !== 'ok' && state !== 'fail')) return;
    const newEntry = this.#entries.get(newCallid);
    if (state === 'fail') {
      if (entry && entry.call.became === newCallid)
        this.#apply(entry, { type: 'transfer', state, status }, at);
      if (!newEntry) return;
      this.#apply(newEntry, { type: 'dialog-state', state: dialogState.ended, reason: status }, at);
      this.#apply(newEntry, { type: 'end-reason', reason: status }, at);
      return;
    }
    const facts = this.#entries.has(callid) ? { from: callid } : {};
    if (newEntry) this.#apply(newEntry, { type: 'facts', facts }, at);
    else this.#add(newCallid, undefined, at, facts);
    this.#onTransferred(callid, newCallid, state, at);
  }

  /** Handles the `Error` of a command. */
  #onCommandFailed(command: Command, { error }: Notification, now: number): void {
    const { method, callids = [] } = command;
    const reason = error?.sip ? `${error.sip.status} ${error.sip.reason}` : (error?.message ?? '');
    const [firstLeg] = callids;
    if (method === 'CallStart') {
      if (firstLeg !== undefined) this.#setEndReason(firstLeg, reason, now);
      return;
    }
    const isHold = method === 'CallHold' || method === 'CallUnhold';
    const isTransfer = method === 'CallBlindTransfer' || method === 'CallAttendedTransfer';
    for (const callid of callids) {
      const entry = this.#entries.get(callid);
      if (!entry) continue;
      if (method === 'CallEnd' && entry.endReason === ENDED_BY_CALL_END) delete entry.endReason;
      if (isHold && error?.code === errorCode.miRefused && error.sip?.status === ALREADY_IN_THAT_STATE) {
        for (const leg of legsOf(command))
          this.#apply(entry, { type: 'hold', leg, isHeld: method === 'CallHold' }, now);
      }
      if (isTransfer) this.#apply(entry, { type: 'transfer', state: 'fail', status: reason }, now);
    }
  }

  #setEndReason(callid: string, reason: string, now: number): void {
    const expected = this.#expected.get(callid);
    if (expected) expected.endReason = reason;
    const entry = this.#entries.get(callid);
    if (!entry) return;
    entry.endReason = reason;
    this.#apply(entry, { type: 'end-reason', reason }, now);
  }

  /** Adds the first leg as an ended call if no event of it has arrived: there was an attempt to call all the same. */
  #onCallStartEnded(firstLeg: string, now: number): void {
    if (!this.#entries.has(firstLeg)) this.#onDialogState(firstLeg, dialogState.ended, now);
    this.#expected.delete(firstLeg);
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

function factsOf(command: Command): CallFacts {
  const { method, cmdId, params } = command;
  const { caller = null, callee = null } = params as { readonly caller?: string; readonly callee?: string };
  const metadata: Metadata | undefined = metadataOf(command);
  return { origin: { method, cmd_id: cmdId }, caller, callee, ...(metadata ? { metadata } : {}) };
}

/** Returns the legs that a hold or unhold changes: both unless the params name one. */
function legsOf({ params }: Command): readonly Leg[] {
  const { leg } = params as { readonly leg?: string };
  return isLeg(leg) ? [leg] : ['caller', 'callee'];
}

function isLeg(leg: string | undefined): leg is Leg {
  return leg === 'caller' || leg === 'callee';
}

/** Returns when a dialog began. The time of its answer is the earliest one that OpenSIPS lists. */
function startOf({ timestart }: Dialog, now: number): number {
  return timestart > 0 ? Math.min(now, timestart * 1_000) : now;
}

function callidIn(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('callid' in data)) return undefined;
  return typeof data.callid === 'string' ? data.callid : undefined;
}

function optionalReason(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}
