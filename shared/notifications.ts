/**
 * What clients are told without having asked: each event of each command with the shape of its data, and what those
 * who watch are told of calls.
 * @module
 */
import * as z from 'zod';
import { CALL_STATES, type Call, type CallEventName } from './calls.ts';
import type { CommandError } from './command.ts';
import { SipStatus } from './jsonrpc.ts';
import { CommandId, LegName, Metadata, type Method } from './methods.ts';

/** An event of a command. */
export interface CommandEvent {
  /** What has happened, in a few words. */
  readonly means: string;
  /** The shape of its `data`; absent where it has none. */
  readonly data?: z.ZodType;
  /** Not in OpenSIPS's own Call API. */
  readonly isAdded?: true;
  /** How often it is told, where that is not once. */
  readonly times?: 'any number of times' | 'for each leg that changes';
}

const text = (description: string) => z.string().meta({ description });
const caller = text('who dials, as the command had it');
const callee = text('who is dialled, as the command had it');
const callid = text('Call-ID of the new call');
const destination = text('where to');
const extra = text('SIP’s status line, such as `180 Ringing`');

/** What is told of every command, in the end. */
export const ENDED = { Ended: { means: 'it is over: once, last, within its deadline' } } as const;

/** What may be told of any command but Echo that fails, before `Ended`. */
export const FAILED: CommandEvent = {
  means:
    'why, for people; beside `data`, and added, `error` {code, message, sip?: {status, reason}} for programs. `Ended` follows',
  data: text('why, in a sentence'),
};

/** What comes of sending a party away, once that has begun. */
const transferred = {
  TransferStart: { means: 'a new call begins', data: z.object({ callid, destination }) },
  TransferPending: {
    means: 'the destination’s phone says how it stands',
    data: z.object({ callid, destination, extra }),
    times: 'any number of times',
  },
  TransferSuccessful: { means: 'the destination has answered', data: z.object({ callid, destination }) },
  ...ENDED,
} as const satisfies Record<string, CommandEvent>;

/** The events of each command that succeeds, in their order. */
export const events: Readonly<Record<Method, Readonly<Record<string, CommandEvent>>>> = {
  CallStart: {
    CallerRinging: { means: 'the caller’s phone rings', data: z.object({ caller, callee }), isAdded: true },
    CallerAnswered: { means: 'it has answered', data: z.object({ caller, callee }) },
    Transferring: { means: 'it is asked to dial the callee', data: z.object({ caller, destination }) },
    TransferStart: { means: 'it does: a new call begins', data: z.object({ callid, caller, callee }) },
    TransferPending: {
      means: 'the callee’s phone says how it stands',
      data: z.object({ callid, caller, callee, extra }),
      times: 'any number of times',
    },
    CalleeAnswered: { means: 'the two speak', data: z.object({ callid, caller, callee }) },
    ...ENDED,
  },
  CallEnd: ENDED,
  CallHold: changing('CallHold'),
  CallUnhold: changing('CallUnhold'),
  CallBlindTransfer: {
    Transferring: { means: 'OpenSIPS has taken it', data: z.object({ destination }) },
    ...transferred,
  },
  CallAttendedTransfer: { Transferring: { means: 'OpenSIPS has taken it' }, ...transferred },
  Echo: { Reply: { means: 'as they were sent', data: z.looseObject({}) }, ...ENDED },
};

/** CallHold and CallUnhold tell the same of each leg that changes. */
function changing(method: 'CallHold' | 'CallUnhold'): Record<string, CommandEvent> {
  const data = z.object({ leg: LegName });
  return {
    [`${method}ing`]: { means: 'OpenSIPS has taken it' },
    [`${method}Start`]: { means: 'a phone is asked', data, times: 'for each leg that changes' },
    [`${method}Successful`]: { means: 'that phone agrees', data, times: 'for each leg that changes' },
    [`${method}Failed`]: {
      means: 'that phone refuses, and the command fails',
      data,
      times: 'for each leg that changes',
      isAdded: true,
    },
    ...ENDED,
  };
}

/** The structured half of an `Error`. */
export const ErrorOfCommand = z
  .object({
    code: z.number().int(),
    message: z.string(),
    sip: SipStatus.exactOptional(),
    opensips: z.object({ code: z.number().int(), message: z.string() }).exactOptional(),
  })
  .meta({ description: 'Why a command failed, for programs' }) satisfies z.ZodType<CommandError>;

const Seq = z.number().int().min(0).meta({ description: 'rises within the site' });

/** A notification: JSON-RPC 2.0 §4.1. */
export function notice<Shape extends z.ZodType>(method: string, params: Shape) {
  return z.object({ jsonrpc: z.literal('2.0'), method: z.literal(method), params });
}

/** A notification of a command, in every form that it may take. */
export function noticeOf(method: Method) {
  const about = { cmd_id: CommandId, metadata: Metadata.optional(), seq: Seq };
  const told = Object.entries(events[method]).map(([event, { data, means }]) =>
    z.object({ ...about, event: z.literal(event), ...(data ? { data } : {}) }).meta({ description: means }),
  );
  const failed = z
    .object({ ...about, event: z.literal('Error'), data: z.string(), error: ErrorOfCommand })
    .meta({ description: FAILED.means });
  return notice(method, method === 'Echo' ? z.union(told) : z.union([...told, failed]));
}

const Ms = z
  .number()
  .meta({ description: 'Unix ms by the edge’s clock, or OpenSIPS’s where it had to be asked' });
const Party = z.string().nullable().meta({
  description: 'as the command had them, or as `dlg_list` shows them; `null` until that is known',
});
const Other = z.string().meta({
  description:
    'the call that it came of by a transfer, and the one that came of it. A CallStart’s first leg is a call too: it becomes the one that is meant',
});

/** A call, as clients see it. */
export const CallView = z
  .object({
    callid: z.string().meta({ description: 'its Call-ID' }),
    state: z.enum(CALL_STATES).meta({ description: CALL_STATES.map((state) => `\`${state}\``).join(', ') }),
    held: z
      .array(LegName)
      .readonly()
      .exactOptional()
      .meta({ description: 'the legs on hold, `caller`, `callee`; absent where none is' }),
    caller: Party,
    callee: Party,
    origin: z
      .object({ method: z.string(), cmd_id: z.string() })
      .nullable()
      .meta({ description: 'the command that made it, or `null`' }),
    began: Ms,
    answered: Ms.exactOptional(),
    ended: Ms.exactOptional(),
    reason: z.string().exactOptional().meta({
      description:
        'how it ended: SIP’s status line or a few words, such as `hung up`, `transferred`, `ended by CallEnd`',
    }),
    from: Other.exactOptional(),
    became: Other.exactOptional(),
    metadata: z
      .record(z.string(), z.unknown())
      .exactOptional()
      .meta({ description: 'what the client has given' }),
    seq: Seq.meta({ description: 'its last change' }),
  })
  .meta({ description: 'A call, whoever made it' }) satisfies z.ZodType<Call>;

const CALL_EVENTS = [
  'Ringing',
  'Answered',
  'Held',
  'Resumed',
  'Transferring',
  'Transferred',
  'Ended',
] as const satisfies readonly CallEventName[];

/** What has happened to a call. */
export const CallEvent = z.enum(CALL_EVENTS);

/** Beside an event of a call: the leg that was held or resumed, or why a transfer failed. */
export const CallEventData = z.union([z.object({ leg: LegName }), z.object({ transfer: z.string() })]);

/** What is told beside the events of commands. */
export const news = {
  Call: notice(
    'Call',
    z.object({ event: CallEvent, seq: Seq, call: CallView, data: CallEventData.optional() }),
  ).meta({ description: 'To those who watch: a call has changed' }),
  Link: notice('Link', z.object({ event: z.enum(['Down', 'Up']), seq: Seq })).meta({
    description: 'To those who watch: the adapter has gone or come',
  }),
  SessionReset: notice('SessionReset', z.object({ since: z.number().int() })).meta({
    description: 'To a session that is taken up again: what it missed is no longer kept',
  }),
} as const;
