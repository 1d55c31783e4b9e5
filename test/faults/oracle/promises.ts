/** Checks what the shipped client promises about a command, whatever happens to its connection. @module */
import type { Ledger } from '../../../simulator/index.ts';
import type { CommandRun } from '../harness/shipped-client.ts';

/** The first event comes, or the command is lost, within this time: `RESEND_WINDOW_MS`, documented at `CallApi`. */
const FIRST_EVENT_MS = 30_000;
/** How late the timers of a busy machine may be. */
const TOLERANCE_MS = 5_000;

const TIMED_OUT = -32012;
const UNKNOWN = -32013;

/**
 * Checks each command of the client before it is closed. Returns a description of each broken promise.
 * @param partiesOf returns a text that occurs in every MI request of a command and in no other; undefined if there is none
 */
export function checkPromises(
  runs: readonly CommandRun[],
  ledger: Ledger,
  partiesOf: (cmdId: string) => string | undefined,
): string[] {
  return runs.flatMap((run) =>
    [...checkTimes(run), ...checkOutcome(run), ...checkLoss(run, ledger, partiesOf)].map(
      (problem) => `${run.method} ${run.cmdId}: ${problem}`,
    ),
  );
}

function checkTimes({ startedAt, firstAt, settledAt, isIterated, updates }: CommandRun): string[] {
  const problems: string[] = [];
  if (firstAt === 0) problems.push('has neither an event nor an end');
  else if (firstAt - startedAt > FIRST_EVENT_MS + TOLERANCE_MS)
    problems.push(`its first event came after ${firstAt - startedAt} ms`);
  // The edge ends each command; that a `Lost` or an `Ended` settles is what the client adds.
  if (settledAt === 0) problems.push(`ended has not settled after ${updates.at(-1)?.event ?? 'nothing'}`);
  if (settledAt > 0 && !isIterated) problems.push('ended has settled, but the iteration is not over');
  return problems;
}

/** `ended` agrees with the events that the iteration had, and both fail alike. */
function checkOutcome({ updates, settledAt, result, error, iterationError }: CommandRun): string[] {
  if (settledAt === 0) return [];
  const names: readonly string[] = updates.map(({ event }) => event);
  const list = names.join(' ');
  const problems: string[] = [];
  if (error?.code === 0) problems.push(`rejected with an error of another class: ${error.data}`);
  if (error?.event === 'Refused' && names.length > 0) problems.push(`was refused after ${list}`);
  if (names.length > 0 && names[0] !== 'Started') problems.push(`its events begin with ${names[0]}`);
  const isCut = error?.event === 'Refused' || error?.event === 'Lost';
  if (isCut !== (iterationError !== undefined))
    problems.push(`ended and iteration differ: ${JSON.stringify([error, iterationError])}`);
  if (isCut) return names.includes('Ended') ? [...problems, `${error.event} after ${list}`] : problems;
  if (names.at(-1) !== 'Ended') problems.push(`has settled after ${list}`);
  const failure = updates.find((update) => update.event === 'Error');
  const expected = failure?.event === 'Error' ? failure.error?.code : undefined;
  if (error?.code !== expected)
    problems.push(`rejected with ${error?.code ?? 'nothing'}, but its Error has ${expected ?? 'nothing'}`);
  if (error === undefined && result === undefined) problems.push('resolved without a result');
  return problems;
}

/** A command that "was not sent" has not run; of any other that is lost, nothing is known. */
function checkLoss(
  { cmdId, error }: CommandRun,
  ledger: Ledger,
  partiesOf: (cmdId: string) => string | undefined,
): string[] {
  if (error?.event !== 'Lost' || error.code === UNKNOWN) return [];
  if (error.code !== TIMED_OUT) return [`lost with the code ${error.code}`];
  const party = partiesOf(cmdId);
  if (party === undefined) return [];
  const request = ledger.requests.find(({ params }) => JSON.stringify(params ?? {}).includes(`:${party}@`));
  return request ? [`is said not to have been sent, but OpenSIPS has got ${request.method}`] : [];
}
