/**
 * The ground truth that tests compare outcomes with: every MI request and every dialog. A restart of the simulated
 * OpenSIPS does not clear it.
 * @module
 */
import type { Dialog } from './dialog.ts';

/** One MI request as it arrived. */
export type RecordedRequest = {
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  readonly id: unknown;
  readonly method: string;
  readonly params: unknown;
};

/** The record of one simulator. */
export class Ledger {
  /** Every MI request in the order of arrival. */
  readonly requests: RecordedRequest[] = [];
  /** Every dialog ever created, oldest first. The fields of an active dialog go on changing. */
  readonly dialogs: Readonly<Dialog>[] = [];
  readonly #countById = new Map<unknown, number>();
  readonly #isRecording: boolean;

  /** @param isRecording false for a simulator that runs for days, whose memory must not grow */
  constructor(isRecording: boolean) {
    this.#isRecording = isRecording;
  }

  /** Returns how many MI requests with this id arrived. */
  countRequests(id: string | number): number {
    return this.#countById.get(id) ?? 0;
  }

  /** Returns the newest dialog of a Call-ID. */
  findDialog(callid: string): Readonly<Dialog> | undefined {
    return this.dialogs.findLast((dialog) => dialog.callid === callid);
  }

  /** Returns all dialogs of a Call-ID, oldest first. */
  findDialogs(callid: string): readonly Readonly<Dialog>[] {
    return this.dialogs.filter((dialog) => dialog.callid === callid);
  }

  addRequest(request: RecordedRequest): void {
    if (!this.#isRecording) return;
    this.requests.push(request);
    this.#countById.set(request.id, (this.#countById.get(request.id) ?? 0) + 1);
  }

  addDialog(dialog: Dialog): void {
    if (this.#isRecording) this.dialogs.push(dialog);
  }
}
