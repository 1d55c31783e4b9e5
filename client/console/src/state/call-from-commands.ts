/** What the page knows about a call that it does not watch: the outcome of its own commands. Pure. @module */
import type { Call, CallState } from '../../../connection/call.ts';
import { type CommandRun, failureText, hasEnded, resultCallid } from './command-progress.ts';

/** The error code for a call that is not known any more: see docs/protocol.md. */
const GONE = -32005;

/**
 * Returns a call that a command of this page has made, in the state that the page's commands have left it in; undefined for
 * any other call. The page does not notice what the parties do.
 */
export function callFromCommands(callid: string, runs: readonly CommandRun[]): Call | undefined {
  const start = runs.find((run) => run.method === 'CallStart' && resultCallid(run) === callid);
  if (!start) return undefined;
  const { caller, callee } = start.params;
  const began = start.updates[0]?.at ?? 0;
  const answered = start.updates.find(({ event }) => event === 'CalleeAnswered')?.at;
  const later = runs.filter(({ params }) =>
    [params['callid'], params['callidA'], params['callidB']].some(
      (id) => id === callid || id === start.cmdId,
    ),
  );
  const ended =
    later.find(endsCall)?.updates.at(-1)?.at ??
    (answered === undefined && hasEnded(start) ? start.updates.at(-1)?.at : undefined);
  return {
    callid,
    state: stateOf(ended, answered, later),
    caller: typeof caller === 'string' ? caller : null,
    callee: typeof callee === 'string' ? callee : null,
    origin: { method: start.method, cmd_id: start.cmdId },
    began,
    ...(answered === undefined ? {} : { answered }),
    ...(ended === undefined ? {} : { ended }),
    seq: 0,
  };
}

function stateOf(
  ended: number | undefined,
  answered: number | undefined,
  later: readonly CommandRun[],
): CallState {
  if (ended !== undefined) return 'ended';
  if (answered === undefined) return 'ringing';
  const lastHold = later.findLast(
    (run) => (run.method === 'CallHold' || run.method === 'CallUnhold') && hasSucceeded(run),
  );
  return lastHold?.method === 'CallHold' ? 'held' : 'answered';
}

/** Whether the call was ended or transferred by the command, or the command has found that it is gone. */
function endsCall(run: CommandRun): boolean {
  if (run.updates.some(({ error }) => error?.code === GONE)) return true;
  const isEnding = ['CallEnd', 'CallBlindTransfer', 'CallAttendedTransfer'].includes(run.method);
  return isEnding && hasSucceeded(run);
}

function hasSucceeded(run: CommandRun): boolean {
  return hasEnded(run) && failureText(run) === undefined;
}
