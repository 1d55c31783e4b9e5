/** The end of a call: `dlg_end_dlg`, and a phone that hangs up. @module */
import { DIALOG_STATE, type Dialog, isActive, type Leg } from '../opensips/dialog.ts';
import { endDialog, type OpenSips } from '../opensips/opensips.ts';
import { REQUEST_TERMINATED } from './ring-phone.ts';

/**
 * `dlg_end_dlg`: BYE to both legs, or CANCEL while the call rings. Ends a dialog shortly after the reply. An unconfirmed
 * dialog goes on, because a CANCEL needs a provisional reply first (`caller-silent`).
 */
export async function endByMi(opensips: OpenSips, dialog: Dialog): Promise<void> {
  const { clock, delays } = opensips;
  await clock.timeline().wait(delays.endReply + delays.dialogEnd);
  if (dialog.state === DIALOG_STATE.ringing) {
    if (dialog.stopRinging?.(REQUEST_TERMINATED)) dialog.endedBy = 'mi';
    else await endByMi(opensips, dialog); // The answer has crossed the CANCEL, so a BYE follows.
  } else if (dialog.state !== DIALOG_STATE.unconfirmed) {
    endDialog(opensips, dialog, 'mi', 'BYE');
  }
}

/** The phone of a leg sends BYE, unless it is frozen or the call has ended. */
export function hangUp(opensips: OpenSips, dialog: Dialog, leg: Leg): void {
  const { user } = dialog[leg];
  if (!isActive(dialog) || opensips.frozenPhones.has(user)) return;
  endDialog(opensips, dialog, `phone ${user ?? ''}`, 'BYE');
  // The script knows the leg only after loose_route() has found the dialog, which ends it.
  if (opensips.raisesScriptEvents) opensips.raiseEvent('E_CALL_BYE', { callid: dialog.callid, leg });
}
