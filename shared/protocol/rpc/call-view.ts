/** A call as clients see it, and the events of calls. @module */
import * as z from 'zod';
import { CALL_STATES, type Call, type CallEventName, ENDED_BY } from '../../calls/call.ts';
import { LegName, Seq } from './field-types.ts';

const Party = z
  .string()
  .nullable()
  .meta({ description: 'SIP URI, from the command or as OpenSIPS lists it; `null` until it is known' });

/** A call, as clients see it. */
export const CallView = z
  .object({
    callid: z.string().meta({ description: 'Call-ID' }),
    state: z.enum(CALL_STATES).meta({ description: CALL_STATES.map((state) => `\`${state}\``).join(', ') }),
    held: z
      .array(LegName)
      .readonly()
      .exactOptional()
      .meta({ description: 'the legs on hold: `caller`, `callee` or both; absent if there are none' }),
    caller: Party,
    callee: Party,
    origin: z
      .object({ method: z.string(), cmd_id: z.string() })
      .nullable()
      .meta({ description: 'the command that made the call; `null` if none did' }),
    began: z.number().meta({
      description:
        'when the call began, in Unix milliseconds: by the edge’s clock, or by that of OpenSIPS if the time was read from there',
    }),
    answered: z.number().exactOptional().meta({ description: 'when it was answered; absent until then' }),
    ended: z.number().exactOptional().meta({ description: 'when it ended; absent until then' }),
    reason: z.string().exactOptional().meta({
      description:
        'why it ended: a SIP status line or a few words, such as `hung up`, `transferred` or `ended by CallEnd`',
    }),
    ended_by: z.enum(ENDED_BY).exactOptional().meta({
      description:
        'who ended it; absent until then. `api`: a command; `opensips`: the routing script refused it; `caller` or `callee`: that party hung up; `unknown`: nothing told, as the example script’s events do',
    }),
    from: z.string().exactOptional().meta({ description: 'the call that this one was transferred from' }),
    became: z.string().exactOptional().meta({
      description:
        'the call that this one was transferred to. The first leg of a CallStart is a call too: it becomes the call between caller and callee',
    }),
    metadata: z
      .record(z.string(), z.unknown())
      .exactOptional()
      .meta({ description: 'the client’s metadata' }),
    adapter: z.string().exactOptional().meta({
      description:
        'the adapter beside the OpenSIPS that has the call, where all adapters of the site serve it. While that one is `lost` (see `Link`), the state of the call is not known',
    }),
    seq: Seq.meta({ description: '`seq` of its last change' }),
  })
  .meta({ description: 'A call of the site, whoever made it' }) satisfies z.ZodType<Call>;

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

/** The data of a call event: the leg that was put on hold or taken off hold, or why a transfer failed. */
export const CallEventData = z.union([z.object({ leg: LegName }), z.object({ transfer: z.string() })]);
