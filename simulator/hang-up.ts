/** `dlg_end_dlg`: BYE both ways, or CANCEL while it rings (README, MI point 11). */
import { type Dialog, STATE } from './dialog.ts';
import { endDialog, type Opensips } from './opensips.ts';
import { TERMINATED } from './ring.ts';

/** Ends a dialog a moment later. One that nobody has reacted to goes on: a CANCEL needs a provisional reply first. */
export async function hangUpByMi(opensips: Opensips, dialog: Dialog): Promise<void> {
  await opensips.clock.timeline().pass(opensips.gaps.ends);
  if (dialog.state === STATE.ringing) {
    dialog.endedBy = 'mi';
    dialog.stopRinging?.(TERMINATED);
  } else if (dialog.state !== STATE.unconfirmed) {
    endDialog(opensips, dialog, 'mi', 'BYE');
  }
}
