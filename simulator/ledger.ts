/** What truly happened, for tests to hold outcomes against. It survives a restart of the simulated OpenSIPS. */
import type { Dialog } from './dialog.ts';

/** One MI request as it arrived. */
export type Request = {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly id: unknown;
  readonly method: string;
  readonly params: unknown;
};

/** The record of one simulator. */
export class Ledger {
  /** Every MI request, in the order of arrival. */
  readonly requests: Request[] = [];
  /** Every dialog that ever was, in the order of its beginning; its fields go on changing while it stands. */
  readonly dialogs: Readonly<Dialog>[] = [];
  readonly #seen = new Map<unknown, number>();
  readonly #keeps: boolean;

  /** With `keeps` false nothing is written down: a simulator that runs for days must not grow. */
  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  /** How often an MI request with this id arrived. */
  timesSeen(id: string | number): number {
    return this.#seen.get(id) ?? 0;
  }

  /** The newest dialog of a Call-ID. */
  dialog(callid: string): Readonly<Dialog> | undefined {
    return this.dialogs.findLast((dialog) => dialog.callid === callid);
  }

  addRequest(request: Request): void {
    if (!this.#keeps) return;
    this.requests.push(request);
    this.#seen.set(request.id, (this.#seen.get(request.id) ?? 0) + 1);
  }

  addDialog(dialog: Dialog): void {
    if (this.#keeps) this.dialogs.push(dialog);
  }
}
