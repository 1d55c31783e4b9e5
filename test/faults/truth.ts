/**
 * Holds what clients were told against what the simulator's ledger says happened. A call that stands reported as
 * failed is a fault as grave as the reverse.
 *
 * Not compared is an outcome that says of itself that it does not know (-32013) or that time ran out (-32012): those
 * are counted. But no leg may be left of a CallStart that failed, however it failed. A restart of OpenSIPS that loses
 * its dialogs ends calls after they were answered; who reports either is right.
 * @module
 */
import { type Dialog, type Ledger, STATE } from '../../simulator/index.ts';
import type { Told } from '../stack/client.ts';
import { callidIn, type Ran } from './scenario.ts';

/** So long after `Ended` a phone may ring, in milliseconds: its CANCEL is under way. */
const RINGS_ON_MS = 2_500;

/** `-32010`, or none where it succeeded. */
export function codeOf(ran: Ran): number | undefined {
  return errorOf(ran)?.error?.code;
}

export function errorOf(ran: Ran): Told | undefined {
  return ran.told.find(({ event }) => event === 'Error');
}

/** Ended as `unknown`, or by a deadline that nothing but a fault explains. */
export function isUnsure(ran: Ran): boolean {
  const code = codeOf(ran);
  return code === -32013 || (code === -32012 && !ran.timesOut);
}

/** Compares one command, when all is quiet; says each thing that is wrong. */
export function untruths(ran: Ran, all: readonly Ran[], ledger: Ledger): string[] {
  if (ran.ended === 0) return [];
  switch (ran.method) {
    case 'CallStart':
      return callStart(ran, all, ledger);
    case 'CallEnd':
      return callEnd(ran, all, ledger);
    case 'CallHold':
    case 'CallUnhold':
      return hold(ran, ledger);
    case 'CallBlindTransfer':
    case 'CallAttendedTransfer':
      return transfer(ran, ledger);
    default:
      return codeOf(ran) === undefined ? [] : [`failed: ${sentence(ran)}`];
  }
}

/** The legs of a CallStart: the one to its caller, and the calls that came of it. */
export function legsOf(
  { parties }: Ran,
  ledger: Ledger,
): { first: Readonly<Dialog>[]; made: Readonly<Dialog>[] } {
  const first = ledger.dialogs.filter(
    ({ caller, callee }) => caller.user === undefined && callee.user === parties?.caller,
  );
  return {
    first,
    made: madeOf(
      first.map(({ callid }) => callid),
      ledger,
    ),
  };
}

function madeOf(callids: readonly string[], ledger: Ledger): Readonly<Dialog>[] {
  return ledger.dialogs.filter(
    ({ transferredFrom }) => transferredFrom !== undefined && callids.includes(transferredFrom),
  );
}

function callStart(ran: Ran, all: readonly Ran[], ledger: Ledger): string[] {
  const { first, made } = legsOf(ran, ledger);
  const wrong: string[] = [];
  if (first.length > 1) wrong.push(`its caller was called ${first.length} times`);
  const callid = callidIn(ran, 'CalleeAnswered');
  if (callid !== undefined) {
    const call = made.find((each) => each.callid === callid);
    if (!call || !wasAnswered(call)) wrong.push(`said to be answered: ${shown(call)}`);
    for (const leg of first.filter(stands)) wrong.push(`its first leg was left standing: ${shown(leg)}`);
    const other = made.filter((each) => each.callid !== callid && stands(each));
    for (const leg of other) wrong.push(`another call of it was left standing: ${shown(leg)}`);
    return wrong;
  }
  for (const leg of [...first, ...made].filter(stands)) {
    wrong.push(`failed (${sentence(ran)}), and this was left standing: ${shown(leg)}`);
  }
  const cancelled = ran.cancelled || all.some((other) => other.params['callid'] === ran.cmdId);
  if (cancelled || isUnsure(ran)) return wrong;
  for (const call of made.filter((each) => wasAnswered(each) && each.endedBy !== 'restart')) {
    wrong.push(`failed (${sentence(ran)}), but the callee had answered: ${shown(call)}`);
  }
  return wrong;
}

function callEnd(ran: Ran, all: readonly Ran[], ledger: Ledger): string[] {
  const named = all.find(({ cmdId }) => cmdId === ran.params['callid']);
  const code = codeOf(ran);
  if (named) {
    const { first, made } = legsOf(named, ledger);
    if (code !== undefined) return [];
    return [...first, ...made].filter(stands).map((leg) => `said to be ended: ${shown(leg)}`);
  }
  const call = ledger.dialog(String(ran.params['callid']));
  if (code === undefined) return call && !stands(call) ? [] : [`said to be ended: ${shown(call)}`];
  if (isUnsure(ran) || ran.unsure) return [];
  if (code !== -32011 || statusOf(ran) !== 404) return [`failed with ${sentence(ran)}`];
  if (call && stands(call)) return [`said not to be there: ${shown(call)}`];
  const byUs = ran.before !== undefined && ran.before.state !== STATE.ended && call?.endedBy === 'mi';
  return byUs ? [`said not to be there, but this command had ended it: ${shown(call)}`] : [];
}

function hold(ran: Ran, ledger: Ledger): string[] {
  const { before, after, unsure } = ran;
  if (isUnsure(ran) || unsure) return [];
  const wanted = ran.method === 'CallHold';
  const call = ledger.dialog(String(ran.params['callid']));
  const refusers = [call?.caller, call?.callee].filter((party) => party?.user?.startsWith('nohold'));
  const asWanted = (seen: Ran['after']) => seen?.held.caller === wanted && seen.held.callee === wanted;
  const status = statusOf(ran);
  switch (status) {
    case undefined:
      if (!asWanted(after)) return [`said to have succeeded: ${JSON.stringify(after)}`];
      return refusers.length > 0 ? [`said to have succeeded, but ${refusers[0]?.user} has refused`] : [];
    case 488:
      return refusers.length > 0 ? [] : [`failed with ${sentence(ran)}, but nobody has refused`];
    case 480:
      return asWanted(before) ? [] : [`failed with ${sentence(ran)}: before ${JSON.stringify(before)}`];
    case 404:
    case 487:
      return call && stands(call) ? [`failed with ${sentence(ran)}: ${shown(call)}`] : [];
    default:
      return [`failed with ${sentence(ran)}`];
  }
}

function transfer(ran: Ran, ledger: Ledger): string[] {
  const old = String(ran.params['callid'] ?? ran.params['callidA']);
  const made = madeOf([old], ledger);
  const left = ledger.dialog(old);
  const callid = callidIn(ran, 'TransferSuccessful');
  if (callid !== undefined) {
    const call = made.find((each) => each.callid === callid);
    const wrong = call && wasAnswered(call) ? [] : [`said to have succeeded: ${shown(call)}`];
    return left && stands(left) ? [...wrong, `the call that was left still stands: ${shown(left)}`] : wrong;
  }
  if (isUnsure(ran) || ran.unsure) return [];
  // An attended transfer needs the other call too.
  const other = ran.params['callidB'];
  const both = other === undefined ? [left] : [left, ledger.dialog(String(other))];
  const status = statusOf(ran);
  if (codeOf(ran) === -32011) {
    const explained =
      status === 491
        ? ran.before?.transferLeg !== undefined
        : status === 404 && !both.every((call) => call && stands(call));
    return explained ? [] : [`failed with ${sentence(ran)}: before ${JSON.stringify(ran.before)}`];
  }
  const wrong = made
    .filter((each) => wasAnswered(each) && each.endedBy !== 'restart')
    .map((call) => `failed (${sentence(ran)}), but the destination had answered: ${shown(call)}`);
  const endedByUs = ran.before?.endedBy === undefined && ran.after?.endedBy === 'mi';
  return endedByUs ? [...wrong, `failed, and yet the old call was ended: ${shown(left)}`] : wrong;
}

/** Calls that a client takes for standing, and that OpenSIPS has not though nobody but the edge can have ended them. */
export function phantoms(all: readonly Ran[], ledger: Ledger): string[] {
  const believed = new Map<string, Ran>();
  for (const ran of [...all].sort((one, other) => one.ended - other.ended)) {
    const made = callidIn(ran, 'CalleeAnswered') ?? callidIn(ran, 'TransferSuccessful');
    if (made !== undefined && !ran.cancelled) believed.set(made, ran);
    // Whatever came of these, what stands after them is judged with them.
    if (/CallEnd|Transfer/.test(ran.method))
      for (const name of ['callid', 'callidA', 'callidB']) believed.delete(String(ran.params[name]));
  }
  return [...believed].flatMap(([callid, { method, cmdId }]) => {
    const call = ledger.dialog(callid);
    const byItself = call?.endedBy === 'restart' || call?.endedBy?.startsWith('phone');
    return call && (stands(call) || byItself)
      ? []
      : [`${method} ${cmdId}: taken for standing: ${shown(call)}`];
  });
}

/** Phones that were left to ring until they gave up by themselves, though their CallStart had failed. Counted. */
export function ringsOn(ran: Ran, ledger: Ledger): boolean {
  if (codeOf(ran) === undefined || ran.method !== 'CallStart') return false;
  const { first, made } = legsOf(ran, ledger);
  return [...first, ...made].some(
    ({ times, endedBy }) =>
      endedBy === 'timeout' &&
      times[STATE.ringing] !== undefined &&
      (times[STATE.ended] ?? 0) > ran.ended + RINGS_ON_MS,
  );
}

/** A hold that is told to have run out of time, and was done all the same. Counted: nobody knows until it is asked. */
export function wasDoneAfterAll(ran: Ran): boolean {
  if (codeOf(ran) !== -32012 || !/hold/i.test(ran.method)) return false;
  const wanted = ran.method === 'CallHold';
  return ran.after?.held.caller === wanted && ran.after.held.callee === wanted;
}

/** A wrong reason for a right outcome: the last word of a phone that was lost. Counted, not held against anybody. */
export function misreads(ran: Ran, ledger: Ledger): boolean {
  const status = statusOf(ran);
  if (ran.method !== 'CallStart' || codeOf(ran) !== -32010 || ran.cancelled || status === undefined)
    return false;
  const { first, made } = legsOf(ran, ledger);
  const decisive = made.at(-1) ?? first.at(-1);
  return decisive?.endedBy !== 'restart' && !decisive?.reason?.startsWith(String(status));
}

const stands = ({ state }: Readonly<Dialog>): boolean => state !== STATE.ended;
const wasAnswered = ({ times }: Readonly<Dialog>): boolean => times[STATE.answered] !== undefined;

function statusOf(ran: Ran): number | undefined {
  return errorOf(ran)?.error?.sip?.status ?? (errorOf(ran) ? 0 : undefined);
}

function sentence(ran: Ran): string {
  const error = errorOf(ran);
  return `${error?.error?.code} ${JSON.stringify(error?.data)}`;
}

function shown(dialog: Readonly<Dialog> | undefined): string {
  if (!dialog) return 'OpenSIPS never had it';
  const { callid, state, from, to, endedBy, reason, times } = dialog;
  return JSON.stringify({ callid, state, from, to, endedBy, reason, times });
}
