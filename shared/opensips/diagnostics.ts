/** Diagnosis of OpenSIPS: finds missing MI commands and event subscriptions in the results of MI commands. @module */
import * as z from 'zod';

/** The MI commands of a diagnosis. None of them changes anything. */
export const DIAGNOSTIC_MI_COMMANDS = ['uptime', 'which', 'subscribers_list'] as const;
export type DiagnosticMiCommand = (typeof DIAGNOSTIC_MI_COMMANDS)[number];

/** The MI commands that the Call API needs, by module. OpenSIPS 4.0 has other names, and its `which` lists only these. */
const REQUIRED_COMMANDS: readonly (readonly [module: string, command: string, commandSince4: string])[] = [
  ['tm', 't_uac_dlg', 'tm:uac_dlg'],
  ['dialog', 'dlg_list', 'dialog:list'],
  ['dialog', 'dlg_end_dlg', 'dialog:end_dlg'],
  ['callops', 'call_transfer', 'callops:transfer'],
  ['callops', 'call_hold', 'callops:hold'],
  ['callops', 'call_unhold', 'callops:unhold'],
];

/**
 * Commands that are used where OpenSIPS has them. Without `dlg_send_sequential`, transfers and holds use callops, which allows one
 * transfer a call, and with which a phone that has lost its network can end OpenSIPS 3.4 and 3.6.
 */
const RECOMMENDED_COMMANDS: typeof REQUIRED_COMMANDS = [
  ['dialog', 'dlg_send_sequential', 'dialog:send_sequential'],
];

/** An MI command that OpenSIPS does not have, and the module that provides it. */
export interface MissingCommand {
  readonly module: string;
  readonly command: string;
}

/** Returns the required commands that are missing in the result of `which`; undefined if the result is invalid. */
export function missingCommands(which: unknown): MissingCommand[] | undefined {
  return missingOf(REQUIRED_COMMANDS, which);
}

/** Returns the recommended commands that are missing in the result of `which`; undefined if the result is invalid. */
export function missingRecommendedCommands(which: unknown): MissingCommand[] | undefined {
  return missingOf(RECOMMENDED_COMMANDS, which);
}

function missingOf(commands: typeof REQUIRED_COMMANDS, which: unknown): MissingCommand[] | undefined {
  const names = z.array(z.string()).safeParse(which);
  if (!names.success) return undefined;
  const available = new Set(names.data);
  return commands
    .filter(([, command, commandSince4]) => !available.has(command) && !available.has(commandSince4))
    .map(([module, command]) => ({ module, command }));
}

/** A subscription to an event over UDP. */
export interface EventSubscription {
  readonly event: string;
  /** As OpenSIPS writes it: `udp:127.0.0.1:5061`. */
  readonly socket: string;
  /** Seconds until it expires, if this version of OpenSIPS reports them. */
  readonly ttl?: number | undefined;
}

const SubscribersResult = z.object({
  Events: z.array(
    z.object({
      name: z.string(),
      // There are other subscribers as well. Some, such as routes of the script, have no socket.
      Subscribers: z.array(z.object({ socket: z.unknown().optional(), ttl: z.unknown().optional() })),
    }),
  ),
});

/** Returns the subscriptions over UDP in the result of `subscribers_list`; undefined if the result is invalid. */
export function parseSubscriptions(subscribers: unknown): EventSubscription[] | undefined {
  const result = SubscribersResult.safeParse(subscribers);
  if (!result.success) return undefined;
  return result.data.Events.flatMap(({ name, Subscribers }) =>
    Subscribers.flatMap(({ socket, ttl }) => {
      if (typeof socket !== 'string' || !socket.startsWith('udp:')) return [];
      return typeof ttl === 'number' ? [{ event: name, socket, ttl }] : [{ event: name, socket }];
    }),
  );
}
