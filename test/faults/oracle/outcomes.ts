/**
 * Compares the outcomes that clients were notified of with the simulator's ledger. An active call that was reported as
 * failed is as severe as the opposite.
 *
 * Outcomes that state that they are unknown (-32013) or that a deadline has expired (-32012) are not compared but
 * counted. However a CallStart fails, none of its legs may remain. A restart of OpenSIPS that loses its dialogs ends
 * calls after they were answered; then both outcomes are right.
 * @module
 */
import { DIALOG_STATE, type Dialog, type Ledger } from '../../../simulator/index.ts';
import type { Notification } from '../../harness/client.ts';
import { type CommandRecord, findCallid } from '../scenario.ts';

/** How long after `Ended` a phone may still ring, because its CANCEL is in transit. */
const CANCEL_TRANSIT_MS = 2_500;

/** Returns the code of the command's error, such as `-32010`, or undefined if it succeeded. */
export function errorCode(command: CommandRecord): number | undefined {
  return findError(command)?.error?.code;
}

export function findError(command: CommandRecord): Notification | undefined {
  return command.notifications.find(({ event }) => event === 'Error');
}

/** Whether a command ended as `unknown`, or by a deadline although only a fault can explain that. */
export function isIndeterminate(command: CommandRecord): boolean {
  const code = errorCode(command);
  return code === -32013 || (code === -32012 && !command.expectsTimeout);
}

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
      return checkTransfer(command, ledger);
    default:
      return errorCode(command) === undefined ? [] : [`failed: ${describeError(command)}`];
  }
}

/** Returns the legs of a CallStart: those to its caller, and the calls that resulted from them by a transfer. */
export function findLegs(
  { parties }: CommandRecord,
  ledger: Ledger,
): { firstLegs: Readonly<Dialog>[]; resultingCalls: Readonly<Dialog>[] } {
  const firstLegs = ledger.dialogs.filter(
    ({ caller, callee }) => caller.user === undefined && callee.user === parties?.caller,
  );
  const callids = firstLegs.map(({ callid }) => callid);
  return { firstLegs, resultingCalls: findResultingCalls(callids, ledger) };
}

function findResultingCalls(callids: readonly string[], ledger: Ledger): Readonly<Dialog>[] {
  return ledger.dialogs.filter(
    ({ transferredFrom }) => transferredFrom !== undefined && callids.includes(transferredFrom),
  );
}

function checkCallStart(
  command: CommandRecord,
  commands: readonly CommandRecord[],
  ledger: Ledger,
): string[] {
  const { firstLegs, resultingCalls } = findLegs(command, ledger);
  const differences: string[] = [];
  if (firstLegs.length > 1) differences.push(`its caller was called ${firstLegs.length} times`);
  const callid = findCallid(command, 'CalleeAnswered');
  if (callid !== undefined) {
    const call = resultingCalls.find((dialog) => dialog.callid === callid);
    if (!call || !wasAnswered(call)) differences.push(`reported as answered: ${describeDialog(call)}`);
    for (const leg of firstLegs.filter(isActive))
      differences.push(`its first leg is still active: ${describeDialog(leg)}`);
    const otherCalls = resultingCalls.filter((dialog) => dialog.callid !== callid && isActive(dialog));
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
  return differences;
}

function checkCallEnd(command: CommandRecord, commands: readonly CommandRecord[], ledger: Ledger): string[] {
  const target = commands.find(({ cmdId }) => cmdId === command.params['callid']);
  const code = errorCode(command);
  if (target) {
    const { firstLegs, resultingCalls } = findLegs(target, ledger);
    if (code !== undefined) return [];
    return [...firstLegs, ...resultingCalls]
      .filter(isActive)
      .map((leg) => `reported as ended: ${describeDialog(leg)}`);
  }
  const call = ledger.findDialog(String(command.params['callid']));
  if (code === undefined)
    return call && !isActive(call) ? [] : [`reported as ended: ${describeDialog(call)}`];
  if (isIndeterminate(command) || command.isCallIndeterminate) return [];
  if (code !== -32011 || sipStatus(command) !== 404) return [`failed with ${describeError(command)}`];
  if (call && isActive(call)) return [`reported as not found: ${describeDialog(call)}`];
  const endedByCommand =
    command.dialogBefore !== undefined &&
    command.dialogBefore.state !== DIALOG_STATE.ended &&
    call?.endedBy === 'mi';
  return endedByCommand
    ? [`reported as not found, but this command had ended it: ${describeDialog(call)}`]
    : [];
}

function checkHold(command: CommandRecord, ledger: Ledger): string[] {
  const { dialogBefore, dialogAfter, isCallIndeterminate } = command;
  if (isIndeterminate(command) || isCallIndeterminate) return [];
  const call = ledger.findDialog(String(command.params['callid']));
  const refusers = [call?.caller, call?.callee].filter((party) => party?.user?.startsWith('nohold'));
  const status = sipStatus(command);
  switch (status) {
    case undefined:
      if (!isAsRequested(command, dialogAfter))
        return [`reported as successful: ${JSON.stringify(dialogAfter)}`];
      return refusers.length > 0 ? [`reported as successful, but ${refusers[0]?.user} has refused`] : [];
    case 488:
      return refusers.length > 0 ? [] : [`failed with ${describeError(command)}, but no phone has refused`];
    case 480:
      return isAsRequested(command, dialogBefore)
        ? []
        : [`failed with ${describeError(command)}: before ${JSON.stringify(dialogBefore)}`];
    case 404:
    case 487:
      return call && isActive(call) ? [`failed with ${describeError(command)}: ${describeDialog(call)}`] : [];
    default:
      return [`failed with ${describeError(command)}`];
  }
}

/** Whether both legs are held, or both are not, as a hold command requests. */
function isAsRequested({ method }: CommandRecord, dialog: CommandRecord['dialogAfter']): boolean {
  const isHold = method === 'CallHold';
  return dialog?.held.caller === isHold && dialog.held.callee === isHold;
}

function checkTransfer(command: CommandRecord, ledger: Ledger): string[] {
  const oldCallid = String(command.params['callid'] ?? command.params['callidA']);
  const resultingCalls = findResultingCalls([oldCallid], ledger);
  const oldCall = ledger.findDialog(oldCallid);
  const callid = findCallid(command, 'TransferSuccessful');
  if (callid !== undefined) {
    const call = resultingCalls.find((dialog) => dialog.callid === callid);
    const differences = call && wasAnswered(call) ? [] : [`reported as successful: ${describeDialog(call)}`];
    return oldCall && isActive(oldCall)
      ? [...differences, `the old call is still active: ${describeDialog(oldCall)}`]
      : differences;
  }
  if (isIndeterminate(command) || command.isCallIndeterminate) return [];
  // An attended transfer needs the other call too.
  const otherCallid = command.params['callidB'];
  const calls = otherCallid === undefined ? [oldCall] : [oldCall, ledger.findDialog(String(otherCallid))];
  const status = sipStatus(command);
  if (errorCode(command) === -32011) {
    const isExplained =
      status === 491
        ? command.dialogBefore?.transferLeg !== undefined
        : status === 404 && !calls.every((call) => call && isActive(call));
    return isExplained
      ? []
      : [`failed with ${describeError(command)}: before ${JSON.stringify(command.dialogBefore)}`];
  }
  const differences = resultingCalls
    .filter((dialog) => wasAnswered(dialog) && dialog.endedBy !== 'restart')
    .map((dialog) => {
      const error = describeError(command);
      return `failed (${error}), but the destination had answered: ${describeDialog(dialog)}`;
    });
  const endedByCommand = command.dialogBefore?.endedBy === undefined && command.dialogAfter?.endedBy === 'mi';
  return endedByCommand
    ? [...differences, `failed, but the old call was ended: ${describeDialog(oldCall)}`]
    : differences;
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

/** Whether a hold command was reported as expired but executed. Counted, because only a query can tell. */
export function isLateHold(command: CommandRecord): boolean {
  if (errorCode(command) !== -32012 || !/hold/i.test(command.method)) return false;
  return isAsRequested(command, command.dialogAfter);
}

/**
 * Whether the outcome is right but its reason is wrong, because the final reply of a phone was lost. Counted, not a
 * violation.
 */
export function hasWrongReason(command: CommandRecord, ledger: Ledger): boolean {
  const status = sipStatus(command);
  const isRefused = command.method === 'CallStart' && errorCode(command) === -32010;
  if (!isRefused || command.isCanceled || status === undefined) return false;
  const { firstLegs, resultingCalls } = findLegs(command, ledger);
  const decisiveLeg = resultingCalls.at(-1) ?? firstLegs.at(-1);
  return decisiveLeg?.endedBy !== 'restart' && !decisiveLeg?.reason?.startsWith(String(status));
}

const isActive = ({ state }: Readonly<Dialog>): boolean => state !== DIALOG_STATE.ended;
const wasAnswered = ({ stateTimes }: Readonly<Dialog>): boolean =>
  stateTimes[DIALOG_STATE.answered] !== undefined;

/** Returns the SIP status of the error, 0 for an error without one, or undefined if the command succeeded. */
function sipStatus(command: CommandRecord): number | undefined {
  const error = findError(command);
  return error?.error?.sip?.status ?? (error ? 0 : undefined);
}

function describeError(command: CommandRecord): string {
  const error = findError(command);
  return `${error?.error?.code} ${JSON.stringify(error?.data)}`;
}

function describeDialog(dialog: Readonly<Dialog> | undefined): string {
  if (!dialog) return 'OpenSIPS never had it';
  const { callid, state, from, to, endedBy, reason, stateTimes } = dialog;
  return JSON.stringify({ callid, state, from, to, endedBy, reason, stateTimes });
}
