/** Calls as the dialogs of OpenSIPS show them. Pure. @module */
import { applyInput, type Call, type CallState, newCall } from '../../shared/calls/call.ts';
import type { Dialog } from '../../shared/opensips/mi.ts';

/** What a list of dialogs tells of a call: not that it is on hold or being transferred, and of no call that has ended. */
export const DIALOG_STATES: readonly CallState[] = ['ringing', 'answered'];

/** Returns the calls of dialogs: several can have one Call-ID. The one that is ahead of the others shows the call. */
export function callsOf(dialogs: readonly Dialog[]): Call[] {
  const ahead = new Map<string, Dialog>();
  for (const dialog of dialogs)
    if (dialog.state > (ahead.get(dialog.callid)?.state ?? 0)) ahead.set(dialog.callid, dialog);
  return [...ahead.values()].map(callOf);
}

export function callOf(dialog: Dialog): Call {
  const now = Date.now();
  const startedAt = dialog.timestart > 0 ? Math.min(now, dialog.timestart * 1_000) : now;
  return applyInput(newCall(dialog.callid, startedAt), { type: 'listed', dialog }, now).call;
}
