/** Checks the outcomes of CallHold and CallUnhold against what the phones were offered last. @module */
import type { Ledger, Leg } from '../../../simulator/index.ts';
import type { CommandRecord } from '../scenario.ts';
import { describeDialog, hadEnded } from './dialogs.ts';
import { CODE, describeError, errorCode, errorText, isIndeterminate, sipStatus } from './errors.ts';
import { answersReinviteWith } from './phones.ts';

const LEGS: readonly Leg[] = ['caller', 'callee'];

export function checkHold(command: CommandRecord, ledger: Ledger): string[] {
  const { isCallIndeterminate, dialogBefore, dialogAfter } = command;
  const call = ledger.findDialog(String(command.params['callid']));
  const error = describeError(command);
  // What it says of its own doing is checked, even if the state of the call was unknown before.
  if (errorCode(command) === CODE.timedOut)
    return isLegChanged(command) ? [`failed with ${error}, but it was carried out`] : [];
  if (isIndeterminate(command) || isCallIndeterminate) return [];
  switch (errorCode(command)) {
    case undefined: {
      const refuser = LEGS.find(
        (leg) =>
          answersReinviteWith(call?.[leg].user) !== undefined && dialogBefore?.held[leg] !== isHold(command),
      );
      if (refuser) return [`reported as successful, but ${call?.[refuser].user} has refused`];
      return isAsRequested(command, dialogAfter)
        ? []
        : [`reported as successful: ${JSON.stringify(dialogAfter)}`];
    }
    case CODE.unknownCall:
    case CODE.notDone:
      return hadEnded(call, command) ? [] : [`failed with ${error}: ${describeDialog(call)}`];
    case CODE.rejected:
      return sipStatus(command) === 480 && isAsRequested(command, dialogBefore)
        ? []
        : [`failed with ${error}: before ${JSON.stringify(dialogBefore)}`];
    case CODE.refused: {
      const refusals = LEGS.map((leg) => answersReinviteWith(call?.[leg].user));
      return [
        ...(refusals.includes(sipStatus(command)) ? [] : [`failed with ${error}, but no phone has said so`]),
        ...checkLegsAfterRefusal(command),
      ];
    }
    default:
      return [`failed with ${error}`];
  }
}

/** The text says whether the leg of the other phone was put back. No other leg may have changed. */
function checkLegsAfterRefusal(command: CommandRecord): string[] {
  const { dialogBefore, dialogAfter } = command;
  return LEGS.flatMap((leg) => {
    if (errorText(command).includes(`whether the ${leg} was put back`)) return [];
    const isStuck = errorText(command).includes(`the ${leg} could not be put back`);
    const expected = isStuck ? isHold(command) : dialogBefore?.held[leg];
    return dialogAfter?.held[leg] === expected
      ? []
      : [`failed with ${describeError(command)}: the ${leg} was ${JSON.stringify(dialogAfter)}`];
  });
}

/** Whether a hold command whose outcome is unknown was carried out. Counted, because only a query can tell. */
export function isLateHold(command: CommandRecord): boolean {
  return /hold/i.test(command.method) && isIndeterminate(command) && isLegChanged(command);
}

function isLegChanged({ dialogBefore, dialogAfter }: CommandRecord): boolean {
  return LEGS.some((leg) => dialogBefore?.held[leg] !== dialogAfter?.held[leg]);
}

/** Whether both legs are held, or both are not, as the command requests. */
function isAsRequested(command: CommandRecord, dialog: CommandRecord['dialogAfter']): boolean {
  return LEGS.every((leg) => dialog?.held[leg] === isHold(command));
}

const isHold = ({ method }: CommandRecord): boolean => method === 'CallHold';
