/** What is answered to each method. @module */
import * as z from 'zod';
import { CommandView } from './command-view.ts';
import { DiagnosisResult } from './diagnosis.ts';
import { AUTHORIZE, CommandId, DIAGNOSE, DISCOVER, type Method, methods, type Query } from './methods.ts';
import { CallEvent, CallEventData, CallView } from './notifications.ts';

/** A command has been started: what happens is told in notifications with that `cmd_id`. */
export const Started = z
  .object({
    cmd_id: CommandId,
    event: z.literal('Started'),
    replayed: z
      .literal(true)
      .optional()
      .meta({ description: 'it was asked for before with this `cmd_id`; nothing is run twice' }),
  })
  .meta({ description: 'The command has been started; what happens is told with its `cmd_id`' });

const calls = z.array(CallView);
const cursor = z.string().optional().meta({ description: 'where there are more: give it to CallList' });
const seq = z.number().int();

const Moment = z.object({ seq, at: z.number(), event: CallEvent, data: CallEventData.optional() });

const ofQueries = {
  CallList: z
    .object({ calls, cursor })
    .meta({ description: 'the newest first; with the cursor, the next page' }),
  CallGet: z
    .object({ call: CallView, timeline: z.array(Moment) })
    .meta({ description: 'each change as {seq, at, event, data?}. Unknown: -32005' }),
  CallWatch: z
    .object({
      calls: calls.meta({ description: 'those that stand; with `since`, those that have changed' }),
      cursor,
      seq: seq.meta({ description: 'every change after it is told' }),
      link: z.enum(['Up', 'Down']).meta({ description: 'is an adapter connected?' }),
      reset: z
        .literal(true)
        .optional()
        .meta({ description: 'what has changed since is no longer kept: these are all' }),
    })
    .meta({
      description:
        'the calls that stand; from then on, every change. Of more than 10,000 calls it has a `cursor`, by which CallList gives the rest',
    }),
  CallUnwatch: z.object({}),
  CommandGet: CommandView.meta({
    description:
      'all that was told of it, as {seq, event, data?, error?}; `state` is `running` or `ended`. Unknown: -32005',
  }),
} as const satisfies Record<Query, z.ZodType>;

const ofCommands = Object.fromEntries(Object.keys(methods).map((method) => [method, Started])) as Record<
  Method,
  typeof Started
>;

/** The result of each method. */
export const answers = {
  ...ofCommands,
  ...ofQueries,
  [AUTHORIZE]: z.object({ expires: z.iso.datetime() }).meta({ description: 'of the new token' }),
  [DIAGNOSE]: DiagnosisResult,
  [DISCOVER]: z
    .looseObject({ openrpc: z.string() })
    .meta({ description: 'the document, also at `/openrpc.json`' }),
} as const;
