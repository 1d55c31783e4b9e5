/** The end and the restart of OpenSIPS, of which no event informs anyone (`opensips-restart`). @module */
import { DIALOG_STATE, isActive } from './dialog.ts';
import type { OpenSips } from './opensips.ts';

/** Ends OpenSIPS as a segmentation fault does (`hold-vanished`). */
export function crashOpenSips(opensips: OpenSips): void {
  opensips.hasCrashed = true;
  opensips.clock.clear();
  opensips.frozenPhones.dropTasks();
}

/**
 * Clears all state. With `keepDialogs` the answered calls survive, as they do when OpenSIPS stores them in a database.
 */
export function restartOpenSips(opensips: OpenSips, keepDialogs: boolean): void {
  opensips.hasCrashed = false;
  opensips.clock.clear();
  opensips.frozenPhones.dropTasks();
  opensips.subscriptions.clear();
  opensips.startedAt = Date.now();
  for (const dialog of [...opensips.dialogs.all()]) {
    if (keepDialogs && dialog.state === DIALOG_STATE.acknowledged) continue;
    if (isActive(dialog))
      Object.assign(dialog, { state: DIALOG_STATE.ended, endedBy: 'restart', reason: 'restart' });
    opensips.dialogs.remove(dialog);
  }
}
