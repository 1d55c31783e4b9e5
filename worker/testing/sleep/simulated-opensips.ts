/** The dialogs that OpenSIPS has: two at a time can have the same Call-ID. @module */
import { dialogState, type EviEvent } from '../../../shared/opensips/evi.ts';
import type { Dialog } from '../../../shared/opensips/mi.ts';
import { dialogEvent } from '../scenarios.ts';

interface TrueDialog {
  id: string;
  state: number;
  answeredAt: number;
}

export class SimulatedOpenSips {
  readonly #dialogs = new Map<string, TrueDialog[]>();
  #count = 0;

  /** Raises a dialog to a state. Returns its event; undefined if it is in that state already. */
  advance(callid: string, index: number, state: number, now: number): EviEvent | undefined {
    const dialogs = this.#dialogs.get(callid) ?? [this.#newDialog(), this.#newDialog()];
    this.#dialogs.set(callid, dialogs);
    const dialog = dialogs[index % 2];
    if (!dialog || dialog.state >= state) return undefined;
    const event = dialogEvent(callid, dialog.state, state, dialog.id);
    dialog.state = state;
    if (state === dialogState.answered) dialog.answeredAt = now;
    // OpenSIPS raises no more events for a dialog that has ended, so the next one begins.
    if (state === dialogState.ended) dialogs[index % 2] = this.#newDialog();
    return event;
  }

  /** Returns the dialogs that stand, as `dlg_list` shows them. */
  list(): Dialog[] {
    return [...this.#dialogs].flatMap(([callid, dialogs]) =>
      dialogs.filter(stands).map(({ id, state, answeredAt }) => ({
        ID: id,
        state,
        timestart: answeredAt / 1_000,
        callid,
        from_uri: `sip:from-${callid}@host`,
        to_uri: `sip:to-${callid}@host`,
      })),
    );
  }

  /** Returns a dialog of a call that stands. */
  find(callid: string): Dialog | undefined {
    return this.list().find((dialog) => dialog.callid === callid);
  }

  #newDialog(): TrueDialog {
    return { id: `dialog-${++this.#count}`, state: dialogState.unconfirmed, answeredAt: 0 };
  }
}

/** OpenSIPS lists a dialog without events, too; here it is listed once it has raised one. */
function stands({ state }: TrueDialog): boolean {
  return state > dialogState.unconfirmed && state < dialogState.ended;
}
