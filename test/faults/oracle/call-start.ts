/** Checks the outcomes of CallStart and CallEnd. @module */
import type { Dialog, Ledger } from '../../../simulator/index.ts';
import { type CommandRecord, findCallid } from '../scenario.ts';
import {
  describeDialog,
  endedBeforeRinging,
  findLegs,
  hadEnded,
  hasRung,
  hasStatus,
  isActive,
  wasAnswered,
} from './dialogs.ts';
import { CODE, describeError, errorCode, errorText, isIndeterminate, sipStatus } from './errors.ts';
import { answersReferWith } from './phones.ts';

export function checkCallStart(
  command: CommandRecord,
  commands: readonly CommandRecord[],
  ledger: Ledger,
): string[] {
  const { firstLegs, resultingCalls } = findLegs(command, ledger);
  const differences: string[] = [];
  if (firstLegs.length > 1) differences.push(`its caller was called ${firstLegs.length} times`);
  const callid = findCallid(command, 'CalleeAnswered');
  if (callid !== undefined) {
    const call = resultingCalls.findLast((dialog) => dialog.callid === callid);
    if (!call || !wasAnswered(call)) differences.push(`reported as answered: ${describeDialog(call)}`);
    for (const leg of firstLegs.filter(isActive))
      differences.push(`its first leg is still active: ${describeDialog(leg)}`);
    const otherCalls = resultingCalls.filter((dialog) => dialog !== call && isActive(dialog));
    for (const leg of otherCalls)
      differences.push(`another call of it is still active: ${describeDialog(leg)}`);
    return differences;
  }
  for (const leg of [...firstLegs, ...resultingCalls].filter(isActive))
    differences.push(`failed (${describeError(command)}), but a leg is still active: ${describeDialog(leg)}`);
  const isCanceled = command.isCanceled || commands.some((other) => other.params['callid'] === command.cmdId);
  if (isCanceled || isIndeterminate(command)) return differences;
  for (const call of resultingCalls.filter((dialog) => wasAnswered(dialog) && dialog.endedBy !== 'restart'))
    differences.push(
      `failed (${describeError(command)}), but the callee had answered: ${describeDialog(call)}`,
    );
  if (!isFailureExplained(command, firstLegs, resultingCalls))
    differences.push(
      `failed without a cause (${describeError(command)}): ${[...firstLegs, ...resultingCalls].map(describeDialog).join(', ')}`,
    );
  return differences;
}

/** Whether the ledger has what the error says. */
function isFailureExplained(
  command: CommandRecord,
  firstLegs: readonly Readonly<Dialog>[],
  resultingCalls: readonly Readonly<Dialog>[],
): boolean {
  const status = sipStatus(command);
  const legs = [...firstLegs, ...resultingCalls];
  switch (errorCode(command)) {
    case CODE.refused:
      if (status !== undefined)
        return (
          legs.some((leg) => hasStatus(leg, status)) || answersReferWith(command.parties?.caller) === status
        );
      if (errorText(command).endsWith('the caller hung up'))
        return firstLegs.some(({ endedBy }) => endedBy?.startsWith('phone') || endedBy === 'restart');
      return resultingCalls.some(endedBeforeRinging);
    case CODE.unknownCall:
      return firstLegs.every((leg) => hadEnded(leg, command));
    // No leg remains, and the callee has not answered.
    case CODE.notDone:
      return true;
    case CODE.timedOut:
      return !errorText(command).includes('did not dial') || !resultingCalls.some(hasRung);
    default:
      return false;
  }
}

export function checkCallEnd(
  command: CommandRecord,
  commands: readonly CommandRecord[],
  ledger: Ledger,
): string[] {
  const code = errorCode(command);
  if (isIndeterminate(command)) return [];
  const target = commands.find(({ cmdId }) => cmdId === command.params['callid']);
  if (target) {
    const { firstLegs, resultingCalls } = findLegs(target, ledger);
    if (code !== undefined && code !== CODE.unknownCall) return [`failed with ${describeError(command)}`];
    return [...firstLegs, ...resultingCalls]
      .filter(isActive)
      .map((leg) => `reported as ${code === undefined ? 'ended' : 'unknown'}: ${describeDialog(leg)}`);
  }
  const call = ledger.findDialog(String(command.params['callid']));
  if (code === undefined)
    return call && !isActive(call) ? [] : [`reported as ended: ${describeDialog(call)}`];
  if (code !== CODE.unknownCall) return [`failed with ${describeError(command)}`];
  // A call that the edge has reported is known to it, even after its end.
  return call ? [`reported as unknown: ${describeDialog(call)}`] : [];
}
