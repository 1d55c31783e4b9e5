/** The state of the simulated OpenSIPS, and the life cycle of its dialogs. @module */
import type { PhoneBehavior } from '../phones/behavior.ts';
import type { Clock } from '../timing/clock.ts';
import type { Delays, Timers } from '../timing/delays.ts';
import {
  DIALOG_STATE,
  type Dialog,
  type DialogState,
  type EndedBy,
  type Invite,
  isActive,
} from './dialog.ts';
import type { DialogTable } from './dialog-table.ts';
import type { FrozenPhones } from './frozen-phones.ts';
import type { Ledger } from './ledger.ts';
import type { EventName, Subscriptions } from './subscriptions.ts';

export type OpenSips = {
  readonly clock: Clock;
  readonly delays: Delays;
  readonly timers: Timers;
  readonly dialogs: DialogTable;
  readonly subscriptions: Subscriptions;
  readonly ledger: Ledger;
  /** The SIP address that it claims to have: `127.0.0.1:5060`. */
  readonly sipAddress: string;
  /** The reply of the MI command `version`. */
  readonly version: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Whether it has ended by signal 11. Then it neither replies nor raises events until it is restarted. */
  hasCrashed: boolean;
  readonly behaviorOf: (user: string) => PhoneBehavior;
  readonly frozenPhones: FrozenPhones;
  /** Whether the script raises the events in `SCRIPT_EVENT_NAMES`. */
  readonly raisesScriptEvents: boolean;
  /** Whether a media relay such as rtpengine changes the SDP between the parties. */
  readonly hasMediaRelay: boolean;
  /** Sends one event datagram to each subscriber. */
  readonly raiseEvent: (event: EventName, params: unknown) => void;
};

/** Creates a dialog, as `create_dialog()` in the script's request route does. */
export function createDialog(opensips: OpenSips, invite: Invite): Dialog {
  const dialog = opensips.dialogs.create(invite);
  opensips.ledger.addDialog(dialog);
  return dialog;
}

/** Changes the state of a dialog and raises E_DLG_STATE_CHANGED. A dialog that has ended does not change. */
export function changeState(opensips: OpenSips, dialog: Dialog, state: DialogState): void {
  if (!isActive(dialog)) return;
  const oldState = dialog.state;
  dialog.state = state;
  dialog.stateTimes[state] = Date.now();
  opensips.raiseEvent('E_DLG_STATE_CHANGED', {
    id: dialog.dialogId,
    db_id: dialog.dbId,
    callid: dialog.callid,
    from_tag: dialog.caller.tag ?? null,
    to_tag: dialog.callee.tag ?? null,
    old_state: oldState,
    new_state: state,
  });
}

/**
 * Ends a dialog. It stays listed for `timers.listedAfterEndMs`, unless the script refused it (`blind-busy`): then it is
 * removed at once.
 */
export function endDialog(opensips: OpenSips, dialog: Dialog, endedBy: EndedBy, reason: string): void {
  if (!isActive(dialog)) return;
  dialog.endedBy = endedBy;
  dialog.reason = reason;
  changeState(opensips, dialog, DIALOG_STATE.ended);
  if (endedBy === 'script') opensips.dialogs.remove(dialog);
  else scheduleRemoval(opensips, dialog);
}

/** Keeps a dialog listed during a transfer, even if it ends in the meantime (`callee-silent`). */
export function retainDialog(dialog: Dialog): void {
  dialog.references++;
}

/** Releases a dialog that {@link retainDialog} retained, after the transfer. */
export function releaseDialog(opensips: OpenSips, dialog: Dialog): void {
  dialog.references--;
  if (!isActive(dialog)) scheduleRemoval(opensips, dialog);
}

function scheduleRemoval(opensips: OpenSips, dialog: Dialog): void {
  if (dialog.references > 0) return;
  opensips.clock.schedule(opensips.timers.listedAfterEndMs, () => opensips.dialogs.remove(dialog));
}
