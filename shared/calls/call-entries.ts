/** The calls by Call-ID: adds them, applies inputs to them, and reports each change. @module */
import { dialogState } from '../opensips/evi.ts';
import {
  answerTimeOf,
  applyInput,
  type Call,
  type CallEventName,
  type CallFacts,
  type CallInput,
  eventForState,
  newCall,
} from './call.ts';
import type { KnownDialog } from './dialogs.ts';
import { type EndEvidence, endCauseOf, mayGoOn } from './end-cause.ts';

/** A call, with what clients do not see of it. */
export interface CallEntry {
  call: Call;
  /** The dialogs that have its Call-ID, as far as events and lists have shown them. */
  dialogs: readonly KnownDialog[];
  /** Who ends it, and why, as far as that is known before it has ended. */
  readonly evidence: EndEvidence;
  /** When a dialog was last seen to stand, in Unix milliseconds; -infinity for never. */
  seenAt: number;
  /** The subject whose command made the call; undefined if none did. */
  owner: string | undefined;
  /** The Call-ID of the new call, once the transfer is known to have succeeded. */
  transferredTo: string | undefined;
  /** When it changed last, in Unix milliseconds; absent where the owner keeps no changes. */
  readonly changedAt?: number;
}

/** What a command knows of the first leg of a CallStart, before OpenSIPS raises an event for it. */
interface ExpectedCall {
  readonly facts: CallFacts;
  readonly owner: string;
  readonly evidence: EndEvidence;
}

/** What is known of a new call beside its first input: the dialog that has shown it, and what a command tells. */
export interface NewEntry {
  readonly id?: string;
  readonly facts?: CallFacts;
  readonly owner?: string;
}

/** Receives a change of a call. */
export type OnChange<Entry> = (entry: Entry, event: CallEventName, at: number, data?: unknown) => void;

/** Refusals of calls that are not known yet. Their dialogs follow at once or never, so that a few are enough. */
const MAX_EARLY_REFUSALS = 100;

export class CallEntries<Entry extends CallEntry> {
  readonly #entries = new Map<string, Entry>();
  /** First legs of running CallStarts, by Call-ID. */
  readonly #expected = new Map<string, ExpectedCall>();
  /** SIP status lines by Call-ID. */
  readonly #earlyRefusals = new Map<string, string>();
  readonly #createEntry: (entry: CallEntry) => Entry;
  readonly #readEntry: (callid: string) => Entry | undefined;
  readonly #onChange: OnChange<Entry>;
  /** What clients do not see of a call has changed: no change is reported for it. */
  readonly onHidden: (entry: Entry) => void;

  /**
   * @param onHidden see {@link CallEntries.onHidden}
   * @param readEntry reads an ended call that its owner has taken out with {@link remove}
   */
  constructor(
    createEntry: (entry: CallEntry) => Entry,
    onChange: OnChange<Entry>,
    onHidden: (entry: Entry) => void = () => {},
    readEntry: (callid: string) => Entry | undefined = () => undefined,
  ) {
    this.#createEntry = createEntry;
    this.#readEntry = readEntry;
    this.#onChange = onChange;
    this.onHidden = onHidden;
  }

  get(callid: string | undefined): Entry | undefined {
    if (callid === undefined) return undefined;
    const known = this.#entries.get(callid);
    if (known) return known;
    const read = this.#readEntry(callid);
    if (read) this.#entries.set(callid, read);
    return read;
  }

  /** Returns a call that need not be read. */
  inMemory(callid: string): Entry | undefined {
    return this.#entries.get(callid);
  }

  set(callid: string, entry: Entry): void {
    this.#entries.set(callid, entry);
  }

  remove(callid: string): void {
    this.#entries.delete(callid);
  }

  /** A CallStart makes a first leg, which OpenSIPS shows later or never. */
  expect(callid: string, facts: CallFacts, owner: string, evidence: EndEvidence = {}): void {
    this.#expected.set(callid, { facts, owner, evidence });
  }

  /** A first leg has been seen, or never will be. */
  stopExpecting(callid: string): void {
    this.#expected.delete(callid);
  }

  /** Returns what is known of the end of a call: it can be a first leg that OpenSIPS has not shown yet. */
  evidenceOf(callid: string): Readonly<EndEvidence> | undefined {
    return (this.get(callid) ?? this.#expected.get(callid))?.evidence;
  }

  /** Changes what is known of the end of a call. */
  changeEvidence(entry: Entry, change: (evidence: EndEvidence) => void): void {
    change(entry.evidence);
    this.onHidden(entry);
  }

  /** Like {@link changeEvidence}, also for a first leg that OpenSIPS has not shown yet. */
  changeEvidenceOf(callid: string, change: (evidence: EndEvidence) => void): void {
    const entry = this.get(callid);
    const expected = this.#expected.get(callid);
    if (entry) this.changeEvidence(entry, change);
    else if (expected) change(expected.evidence);
  }

  /** The script has refused an unknown call, whose dialog may be shown next. A phone repeats a call that was challenged. */
  noteEarlyRefusal(callid: string, status: string): void {
    if (mayGoOn(status)) return;
    this.#earlyRefusals.set(callid, status);
    const [oldest] = this.#earlyRefusals.keys();
    if (this.#earlyRefusals.size > MAX_EARLY_REFUSALS && oldest !== undefined)
      this.#earlyRefusals.delete(oldest);
  }

  /** Applies an input to a call, and reports the change if there is one. */
  apply(entry: Entry, input: CallInput, at: number): void {
    const time = Math.max(at, latestTimeOf(entry));
    const { call, event, data } = applyInput(entry.call, withCause(input, entry), time);
    if (event === undefined) return;
    entry.call = call;
    this.#onChange(entry, event, time, data);
  }

  /** Adds an unknown call with the first input that concerns it. */
  add(callid: string, input: CallInput | undefined, at: number, { id, facts, owner }: NewEntry = {}): Entry {
    const expected = this.#expected.get(callid);
    const refusal = this.#earlyRefusals.get(callid);
    this.#earlyRefusals.delete(callid);
    const entry = this.#createEntry({
      call: newCall(callid, beginOf(input, at), { ...expected?.facts, ...facts }),
      dialogs: id === undefined ? [] : [[id, stateIn(input)]],
      evidence: {
        ...(refusal === undefined ? {} : { refusal: { status: refusal, by: 'opensips' } }),
        ...expected?.evidence,
      },
      seenAt: Number.NEGATIVE_INFINITY,
      owner: owner ?? expected?.owner,
      transferredTo: undefined,
    });
    const step = input ? applyInput(entry.call, withCause(input, entry), at) : { call: entry.call };
    entry.call = step.call;
    this.#entries.set(callid, entry);
    this.#onChange(entry, step.event ?? eventForState(step.call), at, step.data);
    return entry;
  }
}

/**
 * Returns the latest of the times that clients see of a call. None that is told later is before it, whatever the clock of the machine and
 * that of OpenSIPS say.
 */
function latestTimeOf({
  call: { began, answered = began, ended = began },
  changedAt = began,
}: CallEntry): number {
  return Math.max(began, answered, ended, changedAt);
}

/** Returns when a new call began: one that OpenSIPS lists may have been answered before it was seen. */
function beginOf(input: CallInput | undefined, at: number): number {
  return input?.type === 'listed' ? Math.min(at, answerTimeOf(input.dialog, at)) : at;
}

/** Returns an input that can end a call, with what is known of the end. */
function withCause(input: CallInput, entry: CallEntry): CallInput {
  if (input.type !== 'dialog-state' && input.type !== 'missing') return input;
  return { ...input, ...endCauseOf(entry.call, entry.evidence) };
}

function stateIn(input: CallInput | undefined): number {
  if (input?.type === 'dialog-state') return input.state;
  return input?.type === 'listed' ? input.dialog.state : dialogState.unconfirmed;
}
