/** Moves running commands from one adapter of a site to another, where all of them serve it. @module */
import type { LogRows } from './log-rows.ts';
import type { MiRequests } from './mi-requests.ts';
import type { RunningCommands } from './running-commands.ts';
import type { Command } from './stored-command.ts';

/** What knows of the adapter of a command. */
interface RunnerParts {
  readonly commands: RunningCommands;
  readonly requests: MiRequests;
  readonly logRows: LogRows;
}

/**
 * Has another adapter run a command from now on. What was sent to the one before is never sent again, and its replies are awaited for
 * some seconds. Returns whether the command must read the state of its dialogs, because something was sent.
 */
export function moveCommand(
  command: Command,
  adapter: string,
  now: number,
  { commands, requests, logRows }: RunnerParts,
): boolean {
  const isUnsent = isUnsentStart(command);
  commands.assignAdapter(command, adapter);
  requests.onMoved(command, now);
  logRows.markChanged(command);
  return !isUnsent;
}

/** Returns the commands of an adapter that make calls of their own, and of which nothing was sent: any other adapter can run them. */
export function unsentStarts(commands: Iterable<Command>, adapter: string): readonly Command[] {
  return [...commands].filter((command) => command.adapter === adapter && isUnsentStart(command));
}

/** Returns whether a CallStart has not sent its INVITE yet. */
function isUnsentStart({ method, requestCount, pendingRequests }: Command): boolean {
  const [first] = Object.values(pendingRequests);
  return method === 'CallStart' && requestCount === 1 && first !== undefined && first.stream === undefined;
}
