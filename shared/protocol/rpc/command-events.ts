/** The events of commands, which clients receive as notifications: each with its description and the schema of its data. @module */
import * as z from 'zod';
import type { CommandError } from '../../commands/command.ts';
import type { CommandMethod } from './commands.ts';
import { CommandId, LegName, Metadata, Seq } from './field-types.ts';
import { notificationSchema, SipStatus } from './jsonrpc.ts';

export interface EventDescription {
  /** What has happened, in a few words. */
  readonly description: string;
  /** The schema of its `data`. Default: it has none. */
  readonly data?: z.ZodType;
  /** OpenSIPS's own Call API does not have it. */
  readonly isAdded?: true;
  /** How often it is sent. Default: at most once. */
  readonly frequency?: 'up to 50 times' | 'once for each leg that changes';
}

const text = (description: string) => z.string().meta({ description });
const caller = text('the caller, as given in the command');
const callee = text('the callee, as given in the command');
const callid = text('Call-ID of the new call');
const destination = text('SIP URI of the destination');
const extra = text('SIP status line, such as `180 Ringing`');

/** The last event of every command. */
export const ENDED_EVENT = {
  Ended: {
    description: 'the command is over: sent exactly once, as the last event, within the command’s deadline',
  },
} as const satisfies Record<string, EventDescription>;

/** The event of a command that fails, before `Ended`. Only Echo cannot fail. */
export const ERROR_EVENT: EventDescription = {
  description:
    'the command has failed; `data` is the reason as a sentence, and `error` {code, message, sip?: {status, reason}} (added) has it in structured form. `Ended` follows',
  data: text('the reason, as a sentence'),
};

const transferEvents = {
  TransferStart: { description: 'the new call begins', data: z.object({ callid, destination }) },
  TransferPending: {
    description: 'the destination’s phone reports its progress',
    data: z.object({ callid, destination, extra }),
    frequency: 'up to 50 times',
  },
  TransferSuccessful: {
    description: 'the destination has answered',
    data: z.object({ callid, destination }),
  },
  ...ENDED_EVENT,
} as const satisfies Record<string, EventDescription>;

/** The events of each command that succeeds, in their order. */
export const commandEvents: Readonly<Record<CommandMethod, Readonly<Record<string, EventDescription>>>> = {
  CallStart: {
    CallerRinging: {
      description: 'the caller’s phone is ringing',
      data: z.object({ caller, callee }),
      isAdded: true,
    },
    CallerAnswered: { description: 'the caller has answered', data: z.object({ caller, callee }) },
    Transferring: {
      description: 'the caller’s phone is asked to call the callee',
      data: z.object({ caller, destination }),
    },
    TransferStart: {
      description: 'the caller’s phone calls the callee: the new call begins',
      data: z.object({ callid, caller, callee }),
    },
    TransferPending: {
      description: 'the callee’s phone reports its progress',
      data: z.object({ callid, caller, callee, extra }),
      frequency: 'up to 50 times',
    },
    CalleeAnswered: {
      description: 'the callee has answered: the two are connected',
      data: z.object({ callid, caller, callee }),
    },
    ...ENDED_EVENT,
  },
  CallEnd: ENDED_EVENT,
  CallHold: holdEvents('CallHold'),
  CallUnhold: holdEvents('CallUnhold'),
  CallBlindTransfer: {
    Transferring: { description: 'OpenSIPS has accepted the transfer', data: z.object({ destination }) },
    ...transferEvents,
  },
  CallAttendedTransfer: {
    Transferring: { description: 'OpenSIPS has accepted the transfer' },
    ...transferEvents,
  },
  Echo: { Reply: { description: 'the params, as they were sent', data: z.looseObject({}) }, ...ENDED_EVENT },
};

/** Returns whether a command sends an event that OpenSIPS's own Call API does not have. */
export function isAddedEvent(method: CommandMethod, event: string): boolean {
  const events = commandEvents[method];
  return Object.hasOwn(events, event) && events[event]?.isAdded === true;
}

function holdEvents(method: 'CallHold' | 'CallUnhold'): Record<string, EventDescription> {
  const data = z.object({ leg: LegName });
  const frequency = 'once for each leg that changes';
  return {
    [`${method}ing`]: { description: 'OpenSIPS has accepted the request' },
    [`${method}Start`]: { description: 'the phone of this leg has been asked', data, frequency },
    [`${method}Successful`]: { description: 'the phone has accepted', data, frequency },
    [`${method}Failed`]: {
      description: 'the phone has refused, and the command fails',
      data,
      frequency,
      isAdded: true,
    },
    ...ENDED_EVENT,
  };
}

/** The field `error` of an `Error` event. */
export const CommandErrorSchema = z
  .object({
    code: z.number().int(),
    message: z.string(),
    sip: SipStatus.exactOptional(),
    opensips: z
      .object({ code: z.number().int(), message: z.string() })
      .exactOptional()
      .meta({ description: 'the error of OpenSIPS itself, if it is not a SIP status' }),
  })
  .meta({ description: 'Why a command has failed, for programs' }) satisfies z.ZodType<CommandError>;

/** Returns the schema of the notifications of a command, with all its events. */
export function commandNotificationSchema(method: CommandMethod) {
  // An Echo is not stored: it has no number to resume from, and no call with metadata.
  const commonFields = {
    cmd_id: CommandId,
    ...(method === 'Echo' ? {} : { metadata: Metadata.optional(), seq: Seq }),
  };
  const variants = Object.entries(commandEvents[method]).map(([event, { data, description }]) =>
    z.object({ ...commonFields, event: z.literal(event), ...(data ? { data } : {}) }).meta({ description }),
  );
  if (method === 'Echo') return notificationSchema(method, z.union(variants));
  const errorVariant = z
    .object({ ...commonFields, event: z.literal('Error'), data: z.string(), error: CommandErrorSchema })
    .meta({ description: ERROR_EVENT.description });
  return notificationSchema(method, z.union([...variants, errorVariant]));
}
