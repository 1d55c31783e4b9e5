/** The times of a running command: its timers, and until when its requests may be sent and answered. @module */
import { expiresAt } from './mi-requests.ts';
import type { Command } from './stored-command.ts';

/** When a timer or a request of a command is due, in Unix milliseconds. */
export type CommandTime = { readonly command: Command; readonly at: number } & (
  | { readonly timer: string; readonly request?: never }
  | { readonly request: { readonly name: string; readonly number: number }; readonly timer?: never }
);

/** Returns the times of a command's timers and requests, in this order. */
export function timesOf(command: Command): CommandTime[] {
  const timers = Object.entries(command.timers).map(([timer, at]) => ({ command, at, timer }));
  const requests = Object.entries(command.pendingRequests).map(([name, pending]) => ({
    command,
    at: expiresAt(pending),
    request: { name, number: pending.number },
  }));
  return [...timers, ...requests];
}

/** Compares two times; the earlier one comes first. */
export function byTime(a: CommandTime, b: CommandTime): number {
  return a.at - b.at;
}

/** Returns when the first timer or request is due, in Unix milliseconds; infinity for never. */
export function nextTimeOf({ timers, pendingRequests }: Command): number {
  return Math.min(...Object.values(timers), ...Object.values(pendingRequests).map(expiresAt));
}

/** Moves all times of a command back by `ms` milliseconds, because the clock was set back by that much. */
export function moveTimesBack({ timers, pendingRequests }: Command, ms: number): void {
  for (const [name, at] of Object.entries(timers)) timers[name] = at - ms;
  for (const [name, request] of Object.entries(pendingRequests)) {
    const { deadline, sendBy } = request;
    const times = { deadline: deadline - ms, ...(sendBy === undefined ? {} : { sendBy: sendBy - ms }) };
    pendingRequests[name] = { ...request, ...times };
  }
}
