/**
 * The calls of a site: finds the one that an event, a command or an entry of `dlg_list` is about, and lets it go on.
 * Pure; who keeps the calls, and who is told, is its owner's business.
 * @module
 */
import {
  apply,
  begin,
  type Call,
  type CallEventName,
  type CallInput,
  eventOf,
  type Facts,
  type Metadata,
} from './calls.ts';
import { dialogState, type EviEvent, type Leg } from './evi.ts';
import { code } from './jsonrpc.ts';
import type { Dialog } from './mi.ts';
import { type Command, metadataOf, type Told } from './stored-command.ts';

/** What is kept of a call beside what clients see of it. */
export interface Entry {
  call: Call;
  /** The subject whose command made it; absent where none did. */
  owner?: string;
  /** How it will have ended, as far as a command knows. */
  why?: string;
  /** The transfer that is known to have succeeded, by the new Call-ID. */
  done?: string;
}

/** What a call may be known to be before OpenSIPS says anything of it. */
interface Expected {
  readonly facts: Facts;
  readonly owner: string;
  why?: string;
}

/** By these a command tells that a call stands; their data has its `callid`. */
const ANSWERED = ['CalleeAnswered', 'TransferSuccessful'];

/** What OpenSIPS answers to a hold where all legs are as asked already. */
const ALREADY = 480;

const ENDED_BY = 'ended by CallEnd';

export class CallBook<Kept extends Entry = Entry> {
  readonly #entries = new Map<string, Kept>();
  /** By the Call-ID of a CallStart's first leg, until its command and its dialog are over. */
  readonly #expected = new Map<string, Expected>();
  readonly #keep: (entry: Entry) => Kept;
  readonly #changed: (entry: Kept, event: CallEventName, at: number, data?: unknown) => void;

  /**
   * @param keep makes of a fresh entry what its owner keeps
   * @param changed hears of each change, in order; the call's `seq` is for it to set
   */
  constructor(
    keep: (entry: Entry) => Kept,
    changed: (entry: Kept, event: CallEventName, at: number, data?: unknown) => void,
  ) {
    this.#keep = keep;
    this.#changed = changed;
  }

  get(callid: string): Kept | undefined {
    return this.#entries.get(callid);
  }

  /** Puts one back that was kept elsewhere. */
  restore(entry: Kept): void {
    this.#entries.set(entry.call.callid, entry);
  }

  /** It is kept no longer. */
  forget(callid: string): void {
    this.#entries.delete(callid);
  }

  /** A command has been started; or it runs already, after a sleep. */
  begun(command: Command, now: number): void {
    const { method, calls = [], subject, owner = subject } = command;
    const metadata = metadataOf(command);
    const [first] = calls;
    if (method === 'CallStart') {
      if (first !== undefined) this.#expected.set(first, { facts: factsOf(command), owner });
      return;
    }
    for (const callid of calls) {
      const entry = this.#entries.get(callid);
      if (!entry) continue;
      if (method === 'CallEnd' && entry.call.state !== 'ended') entry.why = ENDED_BY;
      if (metadata) this.#give(entry, { type: 'made', facts: { metadata } }, now);
    }
  }

  /** A command has told its client something. */
  told(command: Command, told: Told, now: number): void {
    const { method, calls = [] } = command;
    const [first] = calls;
    const callid = callidIn(told.data);
    switch (told.event) {
      case 'CallerRinging':
        if (first !== undefined) this.#dialog(first, dialogState.ringing, now);
        break;
      case 'CallerAnswered':
        if (first !== undefined) this.#dialog(first, dialogState.answered, now);
        break;
      case 'TransferStart':
      case 'CalleeAnswered':
      case 'TransferSuccessful':
        if (callid !== undefined) this.#arrived(command, callid, ANSWERED.includes(told.event), now);
        break;
      case 'Error':
        this.#failed(command, told, now);
        break;
      case 'Ended':
        if (method === 'CallStart' && first !== undefined) this.#over(first, now);
        break;
      default:
    }
  }

  /** OpenSIPS has raised an event. */
  event({ name, params }: EviEvent, at: number): void {
    const entry = this.#entries.get(params.callid);
    switch (name) {
      case 'E_DLG_STATE_CHANGED':
        if (entry?.call.state !== 'ended') this.#dialog(params.callid, params.new_state, at);
        break;
      case 'E_CALL_HOLD':
        if (entry && params.state === 'ok' && isLeg(params.leg))
          this.#give(entry, { type: 'hold', leg: params.leg, on: params.action === 'hold' }, at);
        break;
      case 'E_CALL_TRANSFER':
        this.#transfer(params, entry, at);
    }
  }

  /** `dlg_list` shows it. Gives its entry; none where it is over. */
  listed(dialog: Dialog, now: number): Kept | undefined {
    const known = this.#entries.get(dialog.callid);
    if (!known && dialog.state === dialogState.ended) return undefined;
    if (known) this.#give(known, { type: 'listed', dialog }, now);
    else this.#open(dialog.callid, { type: 'listed', dialog }, beganOf(dialog, now));
    return this.#entries.get(dialog.callid);
  }

  /** OpenSIPS knows it no more. */
  gone(callid: string, now: number): void {
    const entry = this.#entries.get(callid);
    if (entry)
      this.#give(entry, { type: 'gone', ...(entry.why === undefined ? {} : { why: entry.why }) }, now);
  }

  #dialog(callid: string, state: number, at: number): void {
    const entry = this.#entries.get(callid);
    const why = entry?.why ?? this.#expected.get(callid)?.why;
    const input: CallInput = { type: 'dialog', state, ...(why === undefined ? {} : { why }) };
    if (entry) this.#give(entry, input, at);
    else this.#open(callid, input, at);
  }

  #give(entry: Kept, input: CallInput, at: number): void {
    const { call, event, data } = apply(entry.call, input, at);
    if (event === undefined) return;
    entry.call = call;
    this.#changed(entry, event, at, data);
  }

  /** A call that was not known, with the first that is heard of it. */
  #open(callid: string, input: CallInput | undefined, at: number, facts?: Facts, owner?: string): Kept {
    const expected = this.#expected.get(callid);
    const fresh = begin(callid, at, { ...expected?.facts, ...facts });
    const { call, event, data } = input ? apply(fresh, input, at) : { call: fresh };
    const whose = owner ?? expected?.owner;
    const entry = this.#keep({ call, ...(whose === undefined ? {} : { owner: whose }) });
    if (expected?.why !== undefined) entry.why = expected.why;
    this.#entries.set(callid, entry);
    this.#changed(entry, event ?? eventOf(call), at, data);
    return entry;
  }

  /** A command has brought a new call about, or is about to. */
  #arrived(command: Command, callid: string, answered: boolean, now: number): void {
    const { calls = [], subject, owner = subject } = command;
    const facts = this.#factsOfNew(command);
    const known = this.#entries.get(callid);
    const entry = known ?? this.#open(callid, undefined, now, facts, owner);
    entry.owner ??= owner;
    if (known) this.#give(entry, { type: 'made', facts }, now);
    if (answered) this.#give(entry, { type: 'dialog', state: dialogState.answered }, now);
    for (const old of calls) this.#transferred(old, callid, answered ? 'ok' : 'start', now);
  }

  #transferred(old: string, became: string, state: 'start' | 'ok', at: number): void {
    const entry = this.#entries.get(old);
    if (!entry || old === became || entry.done === became) return;
    if (state === 'ok') entry.done = became;
    this.#give(entry, { type: 'transfer', state, became }, at);
  }

  #transfer(
    {
      callid,
      transfer_callid: made,
      state,
      status,
    }: Extract<EviEvent, { name: 'E_CALL_TRANSFER' }>['params'],
    entry: Kept | undefined,
    at: number,
  ): void {
    if (made === '' || (state !== 'start' && state !== 'ok' && state !== 'fail')) return;
    if (state === 'fail') {
      if (entry && entry.call.became === made) this.#give(entry, { type: 'transfer', state, status }, at);
      const fresh = this.#entries.get(made);
      if (fresh) this.#give(fresh, { type: 'dialog', state: dialogState.ended, why: status }, at);
      if (fresh) this.#give(fresh, { type: 'reason', why: status }, at);
      return;
    }
    const fresh = this.#entries.get(made);
    const from = this.#entries.has(callid) ? { from: callid } : {};
    if (fresh) this.#give(fresh, { type: 'made', facts: from }, at);
    else this.#open(made, undefined, at, from);
    this.#transferred(callid, made, state, at);
  }

  /** Its client has been told that it failed. */
  #failed(command: Command, { error }: Told, now: number): void {
    const { method, calls = [] } = command;
    const sip = error?.sip && `${error.sip.status} ${error.sip.reason}`;
    const [first] = calls;
    if (method === 'CallStart') {
      if (first !== undefined) this.#reason(first, sip ?? error?.message ?? '', now);
      return;
    }
    for (const callid of calls) {
      const entry = this.#entries.get(callid);
      if (!entry) continue;
      if (method === 'CallEnd' && entry.why === ENDED_BY) delete entry.why;
      const holds = method === 'CallHold' || method === 'CallUnhold';
      if (holds && error?.code === code.miRefused && error.sip?.status === ALREADY) {
        for (const leg of legsOf(command))
          this.#give(entry, { type: 'hold', leg, on: method === 'CallHold' }, now);
      }
      const transfers = method === 'CallBlindTransfer' || method === 'CallAttendedTransfer';
      if (transfers)
        this.#give(entry, { type: 'transfer', state: 'fail', status: sip ?? error?.message ?? '' }, now);
    }
  }

  #reason(callid: string, why: string, now: number): void {
    const expected = this.#expected.get(callid);
    if (expected) expected.why = why;
    const entry = this.#entries.get(callid);
    if (!entry) return;
    entry.why = why;
    this.#give(entry, { type: 'reason', why }, now);
  }

  /** A CallStart is over. One of whose first leg nothing was ever heard was tried all the same. */
  #over(first: string, now: number): void {
    if (!this.#entries.has(first)) this.#dialog(first, dialogState.ended, now);
    this.#expected.delete(first);
  }

  /** Who speaks with whom in the call that a command makes, whatever the phones write. */
  #factsOfNew(command: Command): Facts {
    const facts = factsOf(command);
    const { calls = [], params } = command;
    const [first, second] = calls;
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

function factsOf(command: Command): Facts {
  const { method, cmdId, params } = command;
  const { caller = null, callee = null } = params as { readonly caller?: string; readonly callee?: string };
  const metadata: Metadata | undefined = metadataOf(command);
  return { origin: { method, cmd_id: cmdId }, caller, callee, ...(metadata ? { metadata } : {}) };
}

/** The legs that a hold is about: both unless it names one. */
function legsOf({ params }: Command): readonly Leg[] {
  const { leg } = params as { readonly leg?: string };
  return isLeg(leg) ? [leg] : ['caller', 'callee'];
}

function isLeg(leg: string | undefined): leg is Leg {
  return leg === 'caller' || leg === 'callee';
}

/** When one began that was found: its answer's time is the earliest that is known. */
function beganOf({ timestart }: Dialog, now: number): number {
  return timestart > 0 ? Math.min(now, timestart * 1_000) : now;
}

function callidIn(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('callid' in data)) return undefined;
  return typeof data.callid === 'string' ? data.callid : undefined;
}
