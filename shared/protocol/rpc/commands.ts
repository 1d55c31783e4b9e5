/**
 * The commands: the JSON-RPC methods that act on calls, with the schema of their params. Methods are looked up in
 * {@link commandParams} and nowhere else.
 * @module
 */
import * as z from 'zod';
import {
  CUSTOM_HEADER_LIMITS,
  CustomHeaders,
  DisplayName,
  MAX_DISPLAY_NAME_LENGTH,
} from '../../sip/sip-text.ts';
import { expectations } from '../validation/expectations.ts';
import { ADDED, CallId, CommandId, LegName, Metadata, SipUri } from './field-types.ts';

/** Accepts a string of digits as well: clients of OpenSIPS's own Call API can only send strings. */
const Seconds = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);

/** Accepts the words as well, for the same reason as {@link Seconds}. */
const BooleanOrWord = z
  .union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')])
  .register(expectations, { expected: 'true or false' });

/** How long the caller's phone may ring, in seconds. */
export const CALLER_TIMEOUT = { min: 5, max: 180, default: 60 } as const;

/** A param of every command. */
const idParam = { cmd_id: CommandId.optional() };
/** Params of every command that acts on calls. Echo returns all its params but `cmd_id`. */
const commonParams = { ...idParam, metadata: Metadata.optional() };

/** The fields of CallAttendedTransfer, each of which is valid for itself. */
export const AttendedTransferFields = z.object({
  ...commonParams,
  callidA: CallId.meta({ description: 'Call-ID of the first call' }),
  legA: LegName.meta({ description: 'the party of the first call to transfer: `caller` or `callee`' }),
  callidB: CallId.meta({
    description: 'Call-ID of the second call',
    // Other ones than those of callidA, so that examples of the whole request are valid.
    examples: ['1f2e3d4c5b6a7988', 'f81d4fae-7dec@10.0.0.11'],
  }),
  legB: LegName.meta({
    description: 'the party of the second call to connect it with: `caller` or `callee`',
  }),
  destination: SipUri.optional().meta({
    description: 'SIP URI of that party of the second call; default: its address in that call',
    ...ADDED,
  }),
});

export const commandParams = {
  CallStart: z
    .object({
      ...commonParams,
      caller: SipUri.meta({ description: 'SIP URI of the caller, whose phone rings first' }),
      callee: SipUri.meta({ description: 'SIP URI of the callee' }),
      timeout: Seconds.pipe(z.number().int().min(CALLER_TIMEOUT.min).max(CALLER_TIMEOUT.max))
        .register(expectations, {
          expected: `a whole number of seconds from ${CALLER_TIMEOUT.min} to ${CALLER_TIMEOUT.max}`,
        })
        .optional()
        .meta({
          description: `how long the caller’s phone may ring, in seconds: ${CALLER_TIMEOUT.min} to ${CALLER_TIMEOUT.max}; default: ${CALLER_TIMEOUT.default}`,
          minimum: CALLER_TIMEOUT.min,
          maximum: CALLER_TIMEOUT.max,
          ...ADDED,
        }),
      display: DisplayName.optional().meta({
        description: 'display name that the caller’s phone shows',
        minLength: 1,
        maxLength: MAX_DISPLAY_NAME_LENGTH,
        ...ADDED,
      }),
      auto_answer: BooleanOrWord.optional().meta({
        description: '`true` asks the caller’s phone to answer automatically; default: `false`',
        ...ADDED,
      }),
      headers: CustomHeaders.optional().meta({
        description: 'custom `X-` headers for the INVITE to the caller’s phone',
        propertyNames: { pattern: '^[xX]-[A-Za-z0-9-]{1,40}$' },
        maxProperties: CUSTOM_HEADER_LIMITS.count,
        examples: [{ 'X-Ticket': '4711' }],
        ...ADDED,
      }),
    })
    .meta({
      description:
        'Starts a call: rings the caller’s phone and, once the caller has answered, connects it to the callee',
    }),
  CallEnd: z
    .object({
      ...commonParams,
      callid: CallId.meta({
        description:
          'Call-ID of the call, or the `cmd_id` of a CallStart: this cancels the CallStart if it is still running, and ends the call that it has made',
      }),
    })
    .meta({ description: 'Ends a call, or cancels a CallStart that is still running' }),
  CallHold: holdParams('Puts a call on hold'),
  CallUnhold: holdParams('Takes a call off hold'),
  CallBlindTransfer: z
    .object({
      ...commonParams,
      callid: CallId.meta({ description: 'Call-ID of the call' }),
      leg: LegName.meta({ description: 'the party to transfer: `caller` or `callee`' }),
      destination: SipUri.meta({ description: 'SIP URI to transfer this party to' }),
    })
    .meta({ description: 'Transfers a party of a call to another address' }),
  CallAttendedTransfer: AttendedTransferFields.refine(({ callidA, callidB }) => callidA !== callidB, {
    path: ['callidB'],
    message: 'is the same call as callidA. Use the Call-ID of another call.',
  }).meta({ description: 'Connects a party of one call with a party of another' }),
  Echo: z.looseObject(idParam).meta({
    description:
      'Returns its params at once, to the socket that it came from. It does not involve OpenSIPS, needs no scope, and nothing of it is stored',
  }),
} as const;

function holdParams(description: string) {
  return z
    .object({
      ...commonParams,
      callid: CallId.meta({ description: 'Call-ID of the call' }),
      leg: LegName.optional().meta({
        description:
          'the only leg to change: `caller` or `callee`; default: both. Where the adapter uses callops (`--engine callops`), this needs OpenSIPS 4.0 or later: with an earlier version, the request is rejected with -32602 and nothing is sent',
        ...ADDED,
      }),
    })
    .meta({ description });
}

export type CommandMethod = keyof typeof commandParams;
export type CommandParams<M extends CommandMethod> = z.infer<(typeof commandParams)[M]>;

/** The commands that act on calls: they run, and are stored. Echo is only answered. */
export type CallCommand = Exclude<CommandMethod, 'Echo'>;

/** Returns whether a method is a command that acts on calls. */
export function isCallCommand(name: string): name is CallCommand {
  return isCommandMethod(name) && name !== 'Echo';
}

/** Returns whether a method is a command. Inherited names such as `constructor` are not. */
export function isCommandMethod(name: string): name is CommandMethod {
  return Object.hasOwn(commandParams, name);
}
