/** Looks after the new call of a transfer: an event that tells of it may be lost. @module */
import type { Turn } from '../../command.ts';
import { LOOK_LONGEST_MS, MI_MS, VERDICT_MS } from '../../deadlines.ts';
import { dialogState } from '../../evi.ts';
import { DialogResult } from '../../mi.ts';
import { verdict } from './course.ts';
import type { Progress, Transfer } from './state.ts';

/** Asks how the new dialog stands. */
export function look(it: Transfer, turn: Turn): void {
  turn.request('look-new', { method: 'dlg_list', params: { callid: it.newCallid ?? '' } }, MI_MS);
}

/** Asks again, after ever longer pauses. */
export function lookLater(it: Transfer, turn: Turn): void {
  turn.wait('look-new', it.lookPause);
  it.lookPause = Math.min(it.lookPause * 2, LOOK_LONGEST_MS);
}

/** How it stands, as OpenSIPS says. */
export function lookedUp(it: Transfer, result: unknown, turn: Turn): Progress[] {
  const found = DialogResult.safeParse(result);
  const state = found.success ? found.data.Dialog.state : 0;
  if (state === dialogState.ended) {
    gone(it, turn);
    return [];
  }
  it.newState = Math.max(it.newState, state);
  if (state >= dialogState.answered) return verdict(it);
  lookLater(it, turn);
  return [];
}

/** OpenSIPS knows the new call no more; its last event may still be under way. */
export function gone(it: Transfer, turn: Turn): void {
  if (it.newState < dialogState.answered) it.newState = dialogState.ended;
  turn.wait('verdict', VERDICT_MS);
}
