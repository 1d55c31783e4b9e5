/**
 * The queries: the JSON-RPC methods that are answered at once, from what the edge knows, with the schema of their params.
 * @module
 */
import * as z from 'zod';
import { CALL_STATES } from '../../calls/call.ts';
import { MAX_URI_LENGTH } from '../../sip/sip-uri.ts';
import { describeExpected, expectations } from '../validation/expectations.ts';
import { ADDED, CallId, RequiredCommandId } from './field-types.ts';

/** Calls per page of CallList. */
export const CALL_LIST_LIMIT = { max: 500, default: 100 } as const;

const State = z.enum(CALL_STATES);
const Seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const queryParams = {
  CallList: z
    .object({
      state: z
        .union([State, z.array(State).min(1).max(CALL_STATES.length)])
        .register(expectations, { expected: `${describeExpected(State)}, or an array of them` })
        .optional()
        .meta({ description: 'only calls in this state, or in one of an array of states' }),
      address: z
        .string()
        .min(1)
        .max(MAX_URI_LENGTH)
        .register(expectations, { expected: 'a SIP URI or user@host, such as alice@example.com' })
        .optional()
        .meta({
          description: 'only calls of this caller or callee: a SIP URI, or its `user@host`',
          examples: ['alice@example.com'],
        }),
      since: z
        .number()
        .min(0)
        .register(expectations, { expected: 'a time in Unix milliseconds' })
        .optional()
        .meta({ description: 'only calls that began at this time or later, in Unix milliseconds' }),
      limit: z
        .number()
        .int()
        .min(1)
        .max(CALL_LIST_LIMIT.max)
        .default(CALL_LIST_LIMIT.default)
        .meta({
          description: `page size: 1 to ${CALL_LIST_LIMIT.max}; default: ${CALL_LIST_LIMIT.default}`,
        }),
      cursor: z
        .string()
        .regex(/^\d{1,15}$/)
        .register(expectations, { expected: 'the cursor of the previous page' })
        .optional()
        .meta({ description: '`cursor` of the previous page' }),
    })
    .meta({ description: 'Lists calls, newest first', ...ADDED }),
  CallGet: z
    .object({ callid: CallId.meta({ description: 'Call-ID of the call' }) })
    .meta({ description: 'Returns a call and its timeline', ...ADDED }),
  CallWatch: z
    .object({
      callid: CallId.optional().meta({
        description:
          'Call-ID of the only call to watch; a socket can watch up to 16 single calls; default: all calls of the site',
      }),
      since: Seq.optional().meta({
        description: '`seq` of the last notification that the client has received',
      }),
    })
    .meta({
      description: 'Returns the active calls, and sends a notification for every later change',
      ...ADDED,
    }),
  CallUnwatch: z
    .object({
      callid: CallId.optional().meta({
        description: 'Call-ID of a call that is watched singly; default: ends the watch on all calls',
      }),
    })
    .meta({ description: 'Stops watching calls', ...ADDED }),
  CommandGet: z
    .object({
      cmd_id: RequiredCommandId.meta({
        description: '`cmd_id` of a command of your own subject; needs no scope',
      }),
    })
    .meta({ description: 'Returns a command, running or ended, with all its events', ...ADDED }),
} as const;

export type QueryMethod = keyof typeof queryParams;
export type QueryParams<Q extends QueryMethod> = z.infer<(typeof queryParams)[Q]>;

/** Returns whether a method is a query. */
export function isQueryMethod(name: string): name is QueryMethod {
  return Object.hasOwn(queryParams, name);
}
