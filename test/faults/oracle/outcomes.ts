/**
 * Compares the outcomes that clients were notified of with the simulator's ledger. An active call that was reported as
 * failed is as severe as the opposite, and each error must be explained by the ledger.
 *
 * Outcomes that state that they are unknown (-32013) or that a deadline has expired (-32012) are not compared but
 * counted. However a CallStart fails, none of its legs may remain. A restart of OpenSIPS that loses its dialogs ends
 * calls after they were answered; then both outcomes are right.
 * @module
 */
import { DIALOG_STATE, type Ledger } from '../../../simulator/index.ts';
import { type CommandRecord, findCallid } from '../scenario.ts';
import { checkCallEnd, checkCallStart } from './call-start.ts';
import { describeDialog, findLegs, isActive } from './dialogs.ts';
import { CODE, describeError, errorCode, isIndeterminate, sipStatus } from './errors.ts';
import { checkHold } from './hold.ts';
import { checkTransfer } from './transfer.ts';

/** How long after `Ended` a phone may still ring, because its CANCEL is in transit. */
const CANCEL_TRANSIT_MS = 2_500;

/** Checks one command when the system has settled. Returns a description of each difference. */
export function checkOutcome(
  command: CommandRecord,
  commands: readonly CommandRecord[],
  ledger: Ledger,
): string[] {
  if (command.endedAt === 0) return [];
  switch (command.method) {
    case 'CallStart':
      return checkCallStart(command, commands, ledger);
    case 'CallEnd':
      return checkCallEnd(command, commands, ledger);
    case 'CallHold':
    case 'CallUnhold':
      return checkHold(command, ledger);
    case 'CallBlindTransfer':
    case 'CallAttendedTransfer':
      return checkTransfer(command, commands, ledger);
    default:
      return errorCode(command) === undefined ? [] : [`failed: ${describeError(command)}`];
  }
}

/**
 * Returns calls that a client believes to be active, although OpenSIPS has ended them and only the edge can be the
 * cause.
 */
export function findPhantomCalls(commands: readonly CommandRecord[], ledger: Ledger): string[] {
  const believedActive = new Map<string, CommandRecord>();
  for (const command of [...commands].sort((a, b) => a.endedAt - b.endedAt)) {
    const callid = findCallid(command, 'CalleeAnswered') ?? findCallid(command, 'TransferSuccessful');
    if (callid !== undefined && !command.isCanceled) believedActive.set(callid, command);
    // The checks of these commands also cover the calls that remain after them.
    if (/CallEnd|Transfer/.test(command.method))
      for (const name of ['callid', 'callidA', 'callidB'])
        believedActive.delete(String(command.params[name]));
  }
  return [...believedActive].flatMap(([callid, { method, cmdId }]) => {
    const call = ledger.findDialog(callid);
    const endedByOthers = call?.endedBy === 'restart' || call?.endedBy?.startsWith('phone');
    return call && (isActive(call) || endedByOthers)
      ? []
      : [`${method} ${cmdId}: believed to be active: ${describeDialog(call)}`];
  });
}

/** Whether a phone of a failed CallStart rang until its timeout. Counted, not a violation. */
export function keepsRinging(command: CommandRecord, ledger: Ledger): boolean {
  if (errorCode(command) === undefined || command.method !== 'CallStart') return false;
  const { firstLegs, resultingCalls } = findLegs(command, ledger);
  return [...firstLegs, ...resultingCalls].some(
    ({ stateTimes, endedBy }) =>
      endedBy === 'timeout' &&
      stateTimes[DIALOG_STATE.ringing] !== undefined &&
      (stateTimes[DIALOG_STATE.ended] ?? 0) > command.endedAt + CANCEL_TRANSIT_MS,
  );
}

/**
 * Whether a CallStart failed as it had really happened, but without the status with which a phone or the script has
 * refused it, because its message was lost. Counted, not a violation: the error says that it does not know the status.
 */
export function lacksStatus(command: CommandRecord, ledger: Ledger): boolean {
  const isFailure = command.method === 'CallStart' && errorCode(command) !== undefined;
  if (!isFailure || command.isCanceled || isIndeterminate(command)) return false;
  if (errorCode(command) === CODE.timedOut || sipStatus(command) !== undefined) return false;
  const { firstLegs, resultingCalls } = findLegs(command, ledger);
  return /^[3-6]\d\d /.test((resultingCalls.at(-1) ?? firstLegs.at(-1))?.reason ?? '');
}
