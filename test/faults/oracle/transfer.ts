/** Checks the outcomes of CallBlindTransfer and CallAttendedTransfer. @module */
import type { Dialog, Ledger } from '../../../simulator/index.ts';
import { type CommandRecord, findCallid } from '../scenario.ts';
import {
  describeDialog,
  endedBeforeRinging,
  findResultingCalls,
  hadEnded,
  hasRung,
  hasStatus,
  isActive,
  wasAnswered,
} from './dialogs.ts';
import { CODE, describeError, errorCode, errorText, isIndeterminate, sipStatus } from './errors.ts';
import { answersReferWith } from './phones.ts';

/** The calls of a transfer, as the ledger has them. */
interface TransferCalls {
  readonly oldCall: Readonly<Dialog> | undefined;
  /** The call that an attended transfer replaces. */
  readonly replacedCall: Readonly<Dialog> | undefined;
  readonly isAttended: boolean;
  /** The user of the phone that is transferred. */
  readonly transferee: string | undefined;
  /** The dialogs that the transfer has made. */
  readonly resultingCalls: readonly Readonly<Dialog>[];
}

export function checkTransfer(
  command: CommandRecord,
  commands: readonly CommandRecord[],
  ledger: Ledger,
): string[] {
  const calls = findCalls(command, ledger);
  const { oldCall, replacedCall, resultingCalls } = calls;
  const callid = findCallid(command, 'TransferSuccessful');
  if (callid !== undefined) {
    const call = resultingCalls.findLast((dialog) => dialog.callid === callid);
    const remaining = [oldCall, replacedCall].filter((dialog) => dialog && isActive(dialog));
    return [
      ...(call && wasAnswered(call) ? [] : [`reported as successful: ${describeDialog(call)}`]),
      ...remaining.map((dialog) => `the old call is still active: ${describeDialog(dialog)}`),
    ];
  }
  if (isIndeterminate(command) || command.isCallIndeterminate) return [];
  const error = describeError(command);
  const differences: string[] = [];
  if (!isFailureExplained(command, commands, calls)) {
    const all = [oldCall, ...(calls.isAttended ? [replacedCall] : []), ...resultingCalls];
    differences.push(`failed without a cause (${error}): ${all.map(describeDialog).join(', ')}`);
  }
  if (errorCode(command) === CODE.unknownCall || errorCode(command) === CODE.rejected) return differences;
  for (const call of resultingCalls) {
    const isCounted =
      wasAnswered(call) && call.endedBy !== 'restart' && !errorText(command).includes(call.callid);
    if (isCounted)
      differences.push(`failed (${error}), but the destination had answered: ${describeDialog(call)}`);
  }
  const endedByCommand = command.dialogBefore?.endedBy === undefined && command.dialogAfter?.endedBy === 'mi';
  if (endedByCommand && !commands.some((other) => hasTransferred(other, command)))
    differences.push(`failed, but the old call was ended: ${describeDialog(oldCall)}`);
  return differences;
}

/** A call may be transferred several times; the new call of each transfer is recognized by its destination. */
function findCalls({ params }: CommandRecord, ledger: Ledger): TransferCalls {
  const { callidA, callidB, legA, leg, destination } = params;
  const isAttended = callidA !== undefined;
  const oldCallid = String(params['callid'] ?? callidA);
  const oldCall = ledger.findDialog(oldCallid);
  const resulting = findResultingCalls([oldCallid], ledger);
  const user = /^sip:([^@]*)@/.exec(String(destination))?.[1];
  const callids = resulting.filter(({ callee }) => callee.user === user).map(({ callid }) => callid);
  return {
    oldCall,
    replacedCall: isAttended ? ledger.findDialog(String(callidB)) : undefined,
    isAttended,
    transferee: oldCall?.[(legA ?? leg) === 'caller' ? 'caller' : 'callee'].user,
    resultingCalls: isAttended ? resulting : resulting.filter(({ callid }) => callids.includes(callid)),
  };
}

/** Whether the ledger has what the error says. */
function isFailureExplained(
  command: CommandRecord,
  commands: readonly CommandRecord[],
  { oldCall, replacedCall, isAttended, transferee, resultingCalls }: TransferCalls,
): boolean {
  const status = sipStatus(command);
  const hasEnded = [oldCall, ...(isAttended ? [replacedCall] : [])].some((call) => hadEnded(call, command));
  switch (errorCode(command)) {
    case CODE.refused:
      if (status !== undefined)
        return (
          resultingCalls.some((call) => hasStatus(call, status)) || answersReferWith(transferee) === status
        );
      if (errorText(command).includes('Replaces'))
        return (
          wentOn(replacedCall, command) && resultingCalls.some((call) => isNamedAsAnswered(command, call))
        );
      return resultingCalls.some(endedBeforeRinging);
    case CODE.unknownCall:
      return hasEnded;
    case CODE.rejected:
      return errorText(command).startsWith('491') && commands.some((other) => overlaps(command, other));
    case CODE.notDone:
      // Either the old call has ended, or the new one, and nobody knows why.
      return hasEnded || resultingCalls.some((call) => hadEnded(call, command));
    case CODE.timedOut:
      return !errorText(command).includes('did not dial') || !resultingCalls.some(hasRung);
    default:
      return false;
  }
}

/** Whether the call may have gone on until the end of the command: a restart may have ended it later. */
function wentOn(call: Readonly<Dialog> | undefined, command: CommandRecord): boolean {
  return call?.endedBy === 'restart' || !hadEnded(call, command);
}

/** Whether the other command has transferred the call: of two at once, the second may begin when the first has failed. */
function hasTransferred(other: CommandRecord, command: CommandRecord): boolean {
  return overlaps(command, other) && findCallid(other, 'TransferSuccessful') !== undefined;
}

/** The call to be replaced goes on beside the new call, which the error names. */
function isNamedAsAnswered(command: CommandRecord, call: Readonly<Dialog>): boolean {
  return wasAnswered(call) && errorText(command).includes(`New call ${call.callid}: answered`);
}

/** Whether the other command transferred the same call at the same time. */
function overlaps(command: CommandRecord, other: CommandRecord): boolean {
  const callidsOf = ({ method, params }: CommandRecord) =>
    method.endsWith('Transfer')
      ? [params['callid'], params['callidA'], params['callidB']].filter((callid) => callid !== undefined)
      : [];
  const callids = callidsOf(command);
  return (
    other !== command &&
    callidsOf(other).some((callid) => callids.includes(callid)) &&
    other.startedAt <= command.endedAt &&
    (other.endedAt === 0 || other.endedAt >= command.startedAt)
  );
}
