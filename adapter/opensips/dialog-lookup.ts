/**
 * Finds the dialog of a Call-ID that has not ended. `dlg_list {callid}` looks at the first dialog of that Call-ID only. After a
 * call was challenged or redirected that one has ended, and is kept for seconds, while another one is the call.
 * @module
 */
import { dialogState } from '../../shared/opensips/evi.ts';
import { DialogResult, NOT_FOUND } from '../../shared/opensips/mi.ts';
import { type ListedDialog, type PageReader, readDialogs } from './dialog-pages.ts';
import type { MiRequester } from './mi-gateway.ts';
import type { MiResponse } from './mi-message.ts';
import type { RequestTimeouts } from './request-timeouts.ts';

/** A pass through the list: the first dialog of each wanted Call-ID that has not ended. Undefined if it is incomplete. */
type Pass = Promise<ReadonlyMap<string, ListedDialog> | undefined>;

export class DialogLookup {
  readonly #readPage: PageReader;
  /** The Call-IDs of the look-ups that wait for the next pass. */
  #wanted = new Set<string>();
  /** The pass that will begin when the running one has ended. */
  #nextPass: Pass | undefined;
  #runningPass: Promise<unknown> | undefined;

  constructor(readPage: PageReader) {
    this.#readPage = readPage;
  }

  /**
   * Runs `dlg_list {callid}`. If it finds no dialog, or one that has ended, the list of all dialogs is read and a dialog that
   * has not ended is returned, or else the response. If the list cannot be read within the timeout, the outcome is `timeout`:
   * it is unknown whether there is such a dialog.
   */
  async find(
    mi: MiRequester,
    callid: string,
    timeouts: RequestTimeouts,
    id: string | undefined,
  ): Promise<MiResponse> {
    const startedAt = performance.now();
    const response = await mi.request('dlg_list', { callid }, timeouts, id);
    if (!mayHideAnother(response)) return response;
    const remainingMs = Math.max(0, timeouts.timeoutMs - (performance.now() - startedAt));
    const dialogs = await within(remainingMs, this.#search(callid));
    if (dialogs === undefined) return { outcome: 'timeout' };
    const dialog = dialogs.get(callid);
    return dialog === undefined ? response : { result: { Dialog: dialog } };
  }

  /** Returns a pass that begins now or later. One that has begun before may have passed the dialog already. */
  #search(callid: string): Pass {
    this.#wanted.add(callid);
    this.#nextPass ??= this.#startNextPass();
    return this.#nextPass;
  }

  async #startNextPass(): Pass {
    await this.#runningPass;
    const wanted = this.#wanted;
    this.#wanted = new Set();
    this.#nextPass = undefined;
    const pass = this.#readAll(wanted);
    this.#runningPass = pass;
    return pass;
  }

  async #readAll(wanted: ReadonlySet<string>): Pass {
    const found = new Map<string, ListedDialog>();
    const isComplete = await readDialogs(this.#readPage, (dialog) => {
      const { callid, state } = dialog;
      if (state !== dialogState.ended && wanted.has(callid) && !found.has(callid)) found.set(callid, dialog);
      return found.size === wanted.size;
    });
    return isComplete ? found : undefined;
  }
}

function mayHideAnother(response: MiResponse): boolean {
  if ('error' in response) return response.error.code === NOT_FOUND;
  const dialog = DialogResult.safeParse('result' in response ? response.result : undefined);
  return dialog.success && dialog.data.Dialog.state === dialogState.ended;
}

/** Returns the result of a promise, or undefined after `waitMs`. */
async function within<T>(waitMs: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), waitMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
