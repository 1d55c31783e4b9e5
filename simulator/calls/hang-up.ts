/** `dlg_end_dlg`: BYE to both legs, or CANCEL while the call rings. @module */
import { DIALOG_STATE, type Dialog } from '../opensips/dialog.ts';
import { endDialog, type OpenSips } from '../opensips/opensips.ts';
import { REQUEST_TERMINATED } from './ring-phone.ts';

/**
 * Ends a dialog shortly after the reply. An unconfirmed dialog goes on, because a CANCEL needs a provisional reply
 * first (`caller-silent`).
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
