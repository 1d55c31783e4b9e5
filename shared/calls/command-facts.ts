/** What commands and their notifications tell of calls. @module */
import type { Leg } from '../opensips/evi.ts';
import { type Command, hasEnded, metadataOf, type Notification } from '../runner/stored-command.ts';
import type { CallFacts } from './call.ts';

/** The notifications that name the new call. */
const NEW_CALL_EVENTS = ['TransferStart', 'CalleeAnswered', 'TransferSuccessful'];

/** Returns the parties and the origin of the call that a command makes. */
export function factsOf(command: Command): CallFacts {
  const { method, cmdId, params } = command;
  const { caller = null, callee = null } = params as { readonly caller?: string; readonly callee?: string };
  const metadata = metadataOf(command);
  return { origin: { method, cmd_id: cmdId }, caller, callee, ...(metadata ? { metadata } : {}) };
}

/** Returns the legs that a hold or unhold changes: both unless the params name one. */
export function legsOf({ params }: Command): readonly Leg[] {
  const { leg } = params as { readonly leg?: string };
  return isLeg(leg) ? [leg] : ['caller', 'callee'];
}

/** Returns the leg in the data of a notification. */
export function legIn(data: unknown): Leg | undefined {
  const leg = fieldIn(data, 'leg');
  return isLeg(leg) ? leg : undefined;
}

/** Returns the Call-ID in the data of a notification. */
export function callidIn(data: unknown): string | undefined {
  return fieldIn(data, 'callid');
}

/** Returns the Call-ID of the new call that a running command is making, if its client knows it already. */
export function newCallOf(command: Command): string | undefined {
  if (hasEnded(command)) return undefined;
  return callidIn(command.notifications.findLast(isAboutNewCall)?.data);
}

/** Returns whether a notification names the new call that its command makes. */
function isAboutNewCall({ event, data }: Notification): boolean {
  return NEW_CALL_EVENTS.includes(event) && callidIn(data) !== undefined;
}

/** Returns why a command has failed, from its `Error`. */
export function failureReason({ error }: Notification): string {
  return error?.sip ? `${error.sip.status} ${error.sip.reason}` : (error?.message ?? '');
}

export function isLeg(leg: string | undefined): leg is Leg {
  return leg === 'caller' || leg === 'callee';
}

function fieldIn(data: unknown, name: string): string | undefined {
  const value: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}
