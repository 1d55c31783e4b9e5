/** Follows the calls of an OpenSIPS without an edge: read from `dlg_list`, updated by events, read again after a gap. @module */
import type { Call, CallEventName } from '../../shared/calls/call.ts';
import { CallCorrelator } from '../../shared/calls/call-correlator.ts';
import type { CallEntry } from '../../shared/calls/call-entries.ts';
import type { EviEvent } from '../../shared/opensips/evi.ts';
import type { Dialog } from '../../shared/opensips/mi.ts';
import { callOf } from './dialog-calls.ts';
import type { WatchEvent } from './transport.ts';

/** Reads dialogs of OpenSIPS; rejects where it does not answer. */
export interface DialogReader {
  /** Returns the dialogs that have not ended. One may be missing if others end meanwhile. */
  readonly list: () => Promise<readonly Dialog[]>;
  /** Returns a dialog that has not ended, if there is one with this Call-ID. */
  readonly find: (callid: string) => Promise<Dialog | undefined>;
}

/** Ended calls that are remembered, because an event may come late: it is not a new call. */
const MAX_ENDED = 1_000;

export class DirectWatch {
  readonly #read: DialogReader;
  readonly #onEvent: (event: WatchEvent) => void;
  readonly #callid: string | undefined;
  readonly #calls: CallCorrelator;
  /** The calls that have not ended, by Call-ID. */
  readonly #active = new Map<string, CallEntry>();
  readonly #ended: string[] = [];
  /** What is still to be reported of a call whose parties are being read, so that its changes keep their order. */
  readonly #reports = new Map<string, Promise<void>>();
  /** Until the active calls are shown, changes are a part of them. */
  #hasBegun = false;

  /** @param callid the only call to report; undefined: all of them */
  constructor(read: DialogReader, onEvent: (event: WatchEvent) => void, callid?: string) {
    this.#read = read;
    this.#onEvent = onEvent;
    this.#callid = callid;
    this.#calls = new CallCorrelator(
      (entry: CallEntry) => entry,
      (entry, event, _, data) => this.#onChange(entry, event, data),
    );
  }

  /** Reports the active calls. Rejects where OpenSIPS does not list its dialogs. */
  async begin(): Promise<void> {
    for (const dialog of await this.#read.list()) this.#calls.onDialog(dialog, undefined, Date.now());
    const calls = [...this.#active.values()].map(({ call }) => call).filter((call) => this.#shows(call));
    this.#onEvent({ type: 'calls', calls });
    this.#hasBegun = true;
  }

  /** Handles an event of OpenSIPS, which may arrive while the dialogs are read. */
  onOpenSipsEvent(event: EviEvent): void {
    this.#calls.onEvent(event, Date.now());
  }

  /** Finds what has changed while events were lost. Rejects where OpenSIPS does not list its dialogs. */
  async catchUp(): Promise<void> {
    const askedAt = Date.now();
    const before = [...this.#active.keys()];
    const listed = new Set<string>();
    for (const dialog of await this.#read.list()) {
      listed.add(dialog.callid);
      this.#calls.onDialog(dialog, undefined, Date.now());
    }
    for (const callid of before)
      if (!listed.has(callid) && !(await this.#read.find(callid)))
        this.#calls.onMissing(callid, askedAt, Date.now());
  }

  #shows({ callid }: Call): boolean {
    return this.#callid === undefined || this.#callid === callid;
  }

  #onChange(entry: CallEntry, event: CallEventName, data: unknown): void {
    const { call } = entry;
    if (call.state === 'ended') this.#onEnded(call.callid);
    else this.#active.set(call.callid, entry);
    if (!this.#hasBegun || !this.#shows(call)) return;
    const report = () =>
      this.#onEvent({
        type: 'call',
        event,
        call: call.caller === null ? withParties(call, entry.call) : call,
        ...(data === undefined ? {} : { data }),
      });
    const before = this.#reports.get(call.callid);
    // An event does not name the parties, so OpenSIPS is asked for them first.
    const needsParties = call.caller === null && call.state !== 'ended';
    if (!before && !needsParties) {
      report();
      return;
    }
    const reported = Promise.resolve(before)
      .then(() => (needsParties ? this.#findParties(entry) : undefined))
      .then(report)
      .finally(() => {
        if (this.#reports.get(call.callid) === reported) this.#reports.delete(call.callid);
      });
    this.#reports.set(call.callid, reported);
  }

  #onEnded(callid: string): void {
    this.#active.delete(callid);
    this.#ended.push(callid);
    if (this.#ended.length <= MAX_ENDED) return;
    const oldest = this.#ended.shift();
    if (oldest !== undefined && !this.#active.has(oldest)) this.#calls.remove(oldest);
  }

  /** Fills in the parties of a call; what OpenSIPS does not say stays unknown. */
  async #findParties(entry: CallEntry): Promise<void> {
    if (entry.call.caller !== null) return;
    const dialog = await this.#read.find(entry.call.callid).catch(() => undefined);
    if (!dialog || entry.call.caller !== null) return;
    entry.call = withParties(entry.call, callOf(dialog));
  }
}

function withParties(call: Call, { caller, callee }: Call): Call {
  return { ...call, caller, callee };
}
