/** The simulated OpenSIPS: what its parts share, and what they do with a dialog. */
import type { Clock } from './clock.ts';
import { type Dialog, type EndedBy, type Invite, isAlive, STATE, type State } from './dialog.ts';
import type { DialogTable } from './dialog-table.ts';
import type { Gaps, Timers } from './gaps.ts';
import type { Ledger } from './ledger.ts';
import type { Manner } from './manners.ts';
import type { EventName, Subscriptions } from './subscriptions.ts';

/** Everything that a simulated OpenSIPS is. */
export type Opensips = {
  readonly clock: Clock;
  readonly gaps: Gaps;
  readonly timers: Timers;
  readonly dialogs: DialogTable;
  readonly subscriptions: Subscriptions;
  readonly ledger: Ledger;
  /** The SIP address that it pretends to have: `127.0.0.1:5060`. */
  readonly sip: string;
  /** As `version` tells it. */
  readonly version: string;
  /** Milliseconds since 1970. */
  upSince: number;
  readonly mannerOf: (user: string) => Manner;
  /** Sends one event datagram to each subscriber. */
  readonly raise: (event: EventName, params: unknown) => void;
};

/** `create_dialog()` in the script's request route. */
export function openDialog(opensips: Opensips, invite: Invite): Dialog {
  const dialog = opensips.dialogs.open(invite);
  opensips.ledger.addDialog(dialog);
  return dialog;
}

/** Moves a dialog on and says so (E_DLG_STATE_CHANGED). One that has ended stays so. */
export function moveTo(opensips: Opensips, dialog: Dialog, state: State): void {
  if (!isAlive(dialog)) return;
  const old = dialog.state;
  dialog.state = state;
  dialog.times[state] = Date.now();
  opensips.raise('E_DLG_STATE_CHANGED', {
    id: dialog.dialogId,
    db_id: dialog.dbId,
    callid: dialog.callid,
    from_tag: dialog.caller.tag ?? null,
    to_tag: dialog.callee.tag ?? null,
    old_state: old,
    new_state: state,
  });
}

/** Ends a dialog. It stays listed for a while (`timers.listedAfterEnd`), but for one that the script refused (`blind-busy`). */
export function endDialog(opensips: Opensips, dialog: Dialog, endedBy: EndedBy, reason: string): void {
  if (!isAlive(dialog)) return;
  dialog.endedBy = endedBy;
  dialog.reason = reason;
  moveTo(opensips, dialog, STATE.ended);
  if (endedBy === 'script') opensips.dialogs.remove(dialog);
  else unlistLater(opensips, dialog);
}

/** Keeps a dialog listed while a transfer of it is under way, though it has ended (`callee-silent`). */
export function retain(dialog: Dialog): void {
  dialog.references++;
}

/** The transfer is over: see `retain`. */
export function release(opensips: Opensips, dialog: Dialog): void {
  dialog.references--;
  if (!isAlive(dialog)) unlistLater(opensips, dialog);
}

function unlistLater(opensips: Opensips, dialog: Dialog): void {
  if (dialog.references > 0) return;
  opensips.clock.after(opensips.timers.listedAfterEnd, () => opensips.dialogs.remove(dialog));
}
