/** The reconciliation of each adapter that serves the site: each has a list of dialogs of its own. @module */
import type { Reply } from '../../../shared/protocol/link.ts';
import type { DialogReconciler, ReconcileRequest } from './dialog-reconciler.ts';

/** The name of an adapter; undefined where one serves the whole site. */
type AdapterName = string | undefined;

interface Reader {
  readonly reconciler: DialogReconciler;
  /** The process of the adapter that is connected; undefined if none is. */
  stream: string | undefined;
  /** A round was due while another one was running. */
  isOverdue: boolean;
}

export class Reconcilers {
  readonly #create: (adapter: AdapterName) => DialogReconciler;
  readonly #readers = new Map<AdapterName, Reader>();

  /** @param create creates the reconciler of an adapter */
  constructor(create: (adapter: AdapterName) => DialogReconciler) {
    this.#create = create;
  }

  /** A process of an adapter is connected. Returns whether requests were pending: they may be lost. */
  onLinkUp(stream: string, adapter?: string): boolean {
    const { reconciler } = this.onLinkRestored(stream, adapter);
    const { isPending } = reconciler;
    reconciler.reset();
    return isPending;
  }

  /** A process of an adapter is connected, and was before. */
  onLinkRestored(stream: string, adapter?: string): Reader {
    const reader = this.#readers.get(adapter) ?? {
      reconciler: this.#create(adapter),
      stream,
      isOverdue: false,
    };
    reader.stream = stream;
    this.#readers.set(adapter, reader);
    return reader;
  }

  onLinkDown(adapter?: string): void {
    const reader = this.#readers.get(adapter);
    if (reader) reader.stream = undefined;
  }

  /**
   * Begins a round of each adapter, or only of those for which one is overdue, unless one is running that still gets replies: then it is
   * overdue. Returns the adapters for which one has begun.
   */
  begin(now: number, isNew = true): readonly AdapterName[] {
    return this.#connected
      .filter(([, reader]) => {
        if (!isNew && !reader.isOverdue) return false;
        reader.isOverdue = !reader.reconciler.begin(now);
        return !reader.isOverdue;
      })
      .map(([adapter]) => adapter);
  }

  /** Reads the parties of calls, as far as there is room. @param adapterOf returns the adapter that has a call */
  readUnknownParties(
    callids: readonly string[],
    adapterOf: (callid: string) => AdapterName,
    now: number,
  ): void {
    for (const [adapter, { reconciler }] of this.#connected) {
      const own = callids.filter((callid) => adapter === undefined || adapterOf(callid) === adapter);
      if (own.length > 0) reconciler.readUnknownParties(own, now);
    }
  }

  /** Drops all pending requests. */
  reset(): void {
    for (const { reconciler } of this.#readers.values()) reconciler.reset();
  }

  /** Whether a round is overdue that can begin. */
  get hasOverdue(): boolean {
    return this.#connected.some(([, { isOverdue, reconciler }]) => isOverdue && !reconciler.isRoundRunning);
  }

  /** Whether a round is running of each adapter that is connected. */
  get isRoundRunning(): boolean {
    return this.#connected.every(([, { reconciler }]) => reconciler.isRoundRunning);
  }

  /** When the first of the running rounds without a further reply counts as lost, in Unix milliseconds. */
  get roundLostAt(): number {
    return Math.min(...this.#connected.map(([, { reconciler }]) => reconciler.roundLostAt));
  }

  /** Whether there are requests to send. */
  get hasOutput(): boolean {
    return this.#connected.some(([, { reconciler }]) => reconciler.hasOutput);
  }

  /** Removes and returns the requests to send, with the processes that they are for. */
  takeRequests(): (ReconcileRequest & { readonly stream: string })[] {
    return this.#connected.flatMap(([, { reconciler, stream = '' }]) =>
      reconciler.takeRequests().map((request) => ({ ...request, stream })),
    );
  }

  /** Handles a reply. Replies to other requests are ignored. */
  onReply(reply: Pick<Reply, 'id' | 'result' | 'error'>, now: number): void {
    for (const { reconciler } of this.#readers.values()) reconciler.onReply(reply, now);
  }

  get #connected(): [AdapterName, Reader][] {
    return [...this.#readers].filter(([, { stream }]) => stream !== undefined);
  }
}
