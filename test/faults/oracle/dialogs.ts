/** What the ledger knows of the dialogs of a command. @module */
import { DIALOG_STATE, type Dialog, type Ledger } from '../../../simulator/index.ts';
import type { CommandRecord } from '../scenario.ts';

type LedgerDialog = Readonly<Dialog>;

export const isActive = ({ state }: LedgerDialog): boolean => state !== DIALOG_STATE.ended;

export const hasRung = ({ stateTimes }: LedgerDialog): boolean =>
  stateTimes[DIALOG_STATE.ringing] !== undefined;

export const wasAnswered = ({ stateTimes }: LedgerDialog): boolean =>
  stateTimes[DIALOG_STATE.answered] !== undefined;

/** Whether a call had ended when the client received `Ended`, or was never there. */
export function hadEnded(call: LedgerDialog | undefined, command: CommandRecord): boolean {
  // The ledger has no time of what a restart has ended.
  if (call === undefined || call.endedBy === 'restart') return true;
  const endedAt = call.stateTimes[DIALOG_STATE.ended];
  return endedAt !== undefined && endedAt <= command.endedAt;
}

/** Whether the reason for which a dialog has ended is that SIP status. */
export function hasStatus({ reason }: LedgerDialog, status: number): boolean {
  return reason?.startsWith(`${status} `) === true;
}

/** Whether the routing script has refused the call of a dialog, or no phone has responded to it. */
export const endedBeforeRinging = (dialog: LedgerDialog): boolean =>
  ['script', 'challenge', 'timeout'].includes(dialog.endedBy ?? '') && !hasRung(dialog);

/** Returns the legs of a CallStart: those to its caller, and the calls that resulted from them by a transfer. */
export function findLegs(
  { parties }: CommandRecord,
  ledger: Ledger,
): { firstLegs: LedgerDialog[]; resultingCalls: LedgerDialog[] } {
  const firstLegs = ledger.dialogs.filter(
    ({ caller, callee }) => caller.user === undefined && callee.user === parties?.caller,
  );
  const callids = firstLegs.map(({ callid }) => callid);
  return { firstLegs, resultingCalls: findResultingCalls(callids, ledger) };
}

/** Returns the dialogs that transfers of these calls have made. A call that went on after a refusal has several. */
export function findResultingCalls(callids: readonly string[], ledger: Ledger): LedgerDialog[] {
  return ledger.dialogs.filter(
    ({ transferredFrom }) => transferredFrom !== undefined && callids.includes(transferredFrom),
  );
}

export function describeDialog(dialog: LedgerDialog | undefined): string {
  if (!dialog) return 'OpenSIPS never had it';
  const { callid, state, from, to, endedBy, reason, stateTimes } = dialog;
  return JSON.stringify({ callid, state, from, to, endedBy, reason, stateTimes });
}
