/** The result of each JSON-RPC method. @module */
import * as z from 'zod';
import { CallEvent, CallEventData, CallView } from './call-view.ts';
import { CommandView } from './command-view.ts';
import { type CommandMethod, commandParams } from './commands.ts';
import { DiagnosisResult } from './diagnosis.ts';
import { CommandId } from './field-types.ts';
import type { QueryMethod } from './queries.ts';
import { ACKNOWLEDGE, AUTHORIZE, DIAGNOSE, DISCOVER } from './service-methods.ts';

/** The result of every command: its progress follows in notifications. */
export const Started = z
  .object({
    cmd_id: CommandId,
    event: z.literal('Started'),
    replayed: z.literal(true).optional().meta({
      description: 'an earlier request with this `cmd_id` has started the command; it is not run twice',
    }),
  })
  .meta({
    description: 'The command has been started. Its progress follows in notifications with this `cmd_id`',
  });

const calls = z.array(CallView);
const cursor = z
  .string()
  .optional()
  .meta({ description: 'present if there are more calls: pass it to CallList for the next page' });
const seq = z.number().int();

const TimelineEntry = z.object({
  seq,
  at: z.number().meta({ description: 'in Unix milliseconds' }),
  event: CallEvent,
  data: CallEventData.optional(),
});

const queryResults = {
  CallList: z.object({ calls, cursor }).meta({
    description:
      'newest first, up to 256 KB, so there can be fewer than `limit`, or none; `cursor` is present if there may be more calls',
  }),
  CallGet: z.object({ call: CallView, timeline: z.array(TimelineEntry) }).meta({
    description:
      '`timeline` lists every change as {seq, at, event, data?}. If the call is unknown: error -32005',
  }),
  CallWatch: z
    .object({
      calls: calls.meta({
        description: 'the active calls; none with `since`, unless `reset` is present',
      }),
      cursor,
      seq: seq.meta({
        description: 'a notification follows for every change after this number; with `since`, it is `since`',
      }),
      link: z.enum(['Up', 'Down']).meta({ description: 'whether an adapter is connected' }),
      reset: z.literal(true).optional().meta({
        description: 'the changes after `since` are no longer stored: `calls` lists all active calls',
      }),
    })
    .meta({
      description:
        'the active calls; a notification follows for every later change. A snapshot has up to 256 KB. If there are more calls, `cursor` is present: CallList returns the others',
    }),
  CallUnwatch: z.object({}),
  CommandGet: CommandView.meta({
    description:
      '`state` is `running` or `ended`; `events` are the events so far, as {seq, event, data?, error?}. If the command is unknown: error -32005',
  }),
} as const satisfies Record<QueryMethod, z.ZodType>;

const commandResults = Object.fromEntries(
  Object.keys(commandParams).map((method) => [method, Started]),
) as Record<CommandMethod, typeof Started>;

export const results = {
  ...commandResults,
  ...queryResults,
  [AUTHORIZE]: z.object({ expires: z.iso.datetime() }).meta({ description: 'when the new token expires' }),
  [ACKNOWLEDGE]: z.object({}).meta({ description: 'the token was accepted' }),
  [DIAGNOSE]: DiagnosisResult,
  [DISCOVER]: z
    .looseObject({ openrpc: z.string() })
    .meta({ description: 'the document; it is also served at `/openrpc.json`' }),
} as const;
