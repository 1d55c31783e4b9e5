/** `dlg_end_dlg`: BYE both ways, or CANCEL while it rings (README, MI point 11). */
import { type Dialog, STATE } from './dialog.ts';
import { endDialog, type Opensips } from './opensips.ts';
import { TERMINATED } from './ring.ts';

/** Ends a dialog a moment after the reply. One that nobody has reacted to goes on: a CANCEL needs a provisional reply first. */
export async function hangUpByMi(opensips: Opensips, dialog: Dialog): Promise<void> {
  const { clock, gaps } = opensips;
  await clock.timeline().pass(gaps.endReply + gaps.ends);
  if (dialog.state === STATE.ringing) {
    if (dialog.stopRinging?.(TERMINATED)) dialog.endedBy = 'mi';
    else await hangUpByMi(opensips, dialog); // The answer has crossed the CANCEL: BYE comes next.
  } else if (dialog.state !== STATE.unconfirmed) {
    endDialog(opensips, dialog, 'mi', 'BYE');
  }
}
