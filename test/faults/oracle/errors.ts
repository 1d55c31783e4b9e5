/** Reads the error of a command. @module */
import type { Notification } from '../../harness/client.ts';
import type { CommandRecord } from '../scenario.ts';

/** The codes of docs/protocol.md, as far as commands end with them. */
export const CODE = {
  unknownCall: -32005,
  refused: -32010,
  rejected: -32011,
  timedOut: -32012,
  unknown: -32013,
  notDone: -32014,
} as const;

export function findError(command: CommandRecord): Notification | undefined {
  return command.notifications.find(({ event }) => event === 'Error');
}

/** Returns the code of the command's error, such as `-32010`, or undefined if it succeeded. */
export function errorCode(command: CommandRecord): number | undefined {
  return findError(command)?.error?.code;
}

/** Returns the text of the command's error, or an empty string if it succeeded. */
export function errorText(command: CommandRecord): string {
  return String(findError(command)?.data ?? '');
}

/** Returns the SIP status of the error; undefined if it has none, or if the command succeeded. */
export function sipStatus(command: CommandRecord): number | undefined {
  return findError(command)?.error?.sip?.status;
}

/** Whether a command ended as `unknown`, or by a deadline although only a fault can explain that. */
export function isIndeterminate(command: CommandRecord): boolean {
  const code = errorCode(command);
  return code === CODE.unknown || (code === CODE.timedOut && !command.expectsTimeout);
}

export function describeError(command: CommandRecord): string {
  const status = sipStatus(command);
  const sip = status === undefined ? '' : ` (SIP status ${status})`;
  return `${errorCode(command)} ${JSON.stringify(findError(command)?.data)}${sip}`;
}
