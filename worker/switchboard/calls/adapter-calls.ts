/** The calls of a site by the adapter that has them, where all adapters of the site serve it. @module */
import type { CallEntry } from '../../../shared/calls/call-entries.ts';
import type { CallStores } from './restore-calls.ts';

export class AdapterCalls {
  readonly #stores: CallStores;
  readonly #onBegin: (now: number) => void;
  /** The adapter that reports what is handled: it has the calls that are new. Undefined where one serves the whole site. */
  reporting: string | undefined;

  /** @param onBegin is called before calls change */
  constructor(stores: CallStores, onBegin: (now: number) => void) {
    this.#stores = stores;
    this.#onBegin = onBegin;
  }

  /** Returns the adapter beside the OpenSIPS that has a call; undefined where it is not known. */
  adapterOf(callid: string): string | undefined {
    return this.#stores.correlator.inMemory(callid)?.adapter;
  }

  /** Returns the active calls of an adapter; undefined for those without one. */
  activeOf(adapter: string | undefined): readonly string[] {
    const own = [...this.#stores.index.active].filter((each) => each.adapter === adapter);
    return own.map(({ callid }) => callid);
  }

  /** Another adapter has a call from now on. */
  moveTo(callid: string, adapter: string, now: number): void {
    const { correlator } = this.#stores;
    this.#onBegin(now);
    correlator.moveTo(callid, adapter, now);
    const record = correlator.inMemory(callid);
    if (record) record.lastRound = 0;
  }

  /** Ends a call whose adapter was lost, and has not come back in time. */
  onAdapterLost(callid: string, now: number): void {
    this.#onBegin(now);
    this.#stores.correlator.onAdapterLost(callid, now);
  }

  /** Returns a new call with the adapter that reports it. */
  withAdapter(entry: CallEntry): CallEntry {
    const adapter = this.reporting;
    return adapter === undefined ? entry : { ...entry, call: { ...entry.call, adapter } };
  }
}
