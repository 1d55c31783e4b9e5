/** OpenSIPS restarts (`opensips-restart`): nobody is told. */
import { isAlive, STATE } from './dialog.ts';
import type { Opensips } from './opensips.ts';

/** Forgets everything; with `keepDialogs` not the calls that stand, as where a database keeps them. */
export function restart(opensips: Opensips, keepDialogs: boolean): void {
  opensips.clock.clear();
  opensips.subscriptions.clear();
  opensips.upSince = Date.now();
  for (const dialog of [...opensips.dialogs.all()]) {
    if (keepDialogs && dialog.state === STATE.acknowledged) continue;
    if (isAlive(dialog)) Object.assign(dialog, { state: STATE.ended, endedBy: 'restart', reason: 'restart' });
    opensips.dialogs.remove(dialog);
  }
}
