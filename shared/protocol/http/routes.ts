/**
 * The routes of the HTTP API, with what each accepts and returns. `worker/http/` serves exactly these. A route with an
 * `rpcMethod` is that JSON-RPC request in another form.
 * @module
 */
import * as z from 'zod';
import { Id, type Scope } from '../../policy/policy.ts';
import { AttendedTransferFields, type CommandMethod, commandParams } from '../rpc/commands.ts';
import { CallId, RequiredCommandId, UNRESERVED_CHARACTERS } from '../rpc/field-types.ts';
import { MAX_BATCH } from '../rpc/jsonrpc.ts';
import { type QueryMethod, queryParams } from '../rpc/queries.ts';
import { SOCKET_ONLY_METHODS } from '../rpc/service-methods.ts';
import { expectations } from '../validation/expectations.ts';

/** The session to which everything that a subject sends over HTTP belongs. */
export const HTTP_SESSION = 'http';

/** The largest body, in bytes. A tenant may allow less (`message_bytes`). */
export const MAX_BODY_BYTES = 65_536;

/** The longest time to wait for the end of a command, in seconds. Proxies close silent requests not much later. */
export const MAX_WAIT_S = 60;

/** The header `Idempotency-Key`. It becomes the `cmd_id` of the command that a request starts. */
export const IdempotencyKey = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{1,64}$/)
  .register(expectations, { expected: `1 to 64 ${UNRESERVED_CHARACTERS}` })
  .meta({ description: '`cmd_id` of the command. A request that repeats it does not run the command twice' });

/** Parameters of every route. */
const CommonQuery = {
  site: Id.optional().meta({ description: 'required if an API key is for several sites' }),
  access_token: z.string().register(expectations, { isSecret: true }).optional().meta({
    description:
      'an API key or a client token, for clients that cannot send headers, such as an `EventSource`',
  }),
};

const SeqParam = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const { state, address, since, limit, cursor } = queryParams.CallList.shape;

/** The params of CallList in a URL. `state` may be repeated. */
const CallsQuery = z.strictObject({
  ...CommonQuery,
  state,
  address,
  since: z.coerce
    .number()
    .min(0)
    .register(expectations, { expected: 'a time in Unix milliseconds' })
    .optional()
    .meta({ description: since.description }),
  limit: z.coerce.number().pipe(limit.unwrap()).optional().meta({ description: limit.description }),
  cursor,
});
const CommandQuery = z.strictObject({
  ...CommonQuery,
  wait: z.coerce
    .number()
    .min(0)
    .max(MAX_WAIT_S)
    .default(0)
    .meta({ description: `how long to wait for the end of the command, in seconds: 0 to ${MAX_WAIT_S}` }),
});
const EventsQuery = z.strictObject({
  ...CommonQuery,
  since: SeqParam.optional().meta({
    description:
      '`seq` of the last event that the client has received; the header `Last-Event-ID` takes precedence',
  }),
});
const NoQuery = z.strictObject(CommonQuery);

const CallPath = z.object({ callid: CallId });
const CommandPath = z.object({ cmd_id: RequiredCommandId });

// A body has the params of its method, except those that are in the path or in a header. Other members are rejected.
const StartBody = commandParams.CallStart.omit({ cmd_id: true }).strict();
const HoldBody = commandParams.CallHold.omit({ cmd_id: true, callid: true }).strict();
const TransferBody = commandParams.CallBlindTransfer.omit({ cmd_id: true, callid: true }).strict();
const AttendedTransferBody = AttendedTransferFields.omit({
  cmd_id: true,
  callidA: true,
}).strict();

/** A route. All except `rpc` report errors as a `Problem`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Has a `{name}` for each of the `pathParams`. */
  readonly path: string;
  /** What it does, in a few words. */
  readonly description: string;
  /** The JSON-RPC method that it runs and whose result it returns. Default: it is not a single method. */
  readonly rpcMethod?: CommandMethod | QueryMethod;
  /** The scope that a key or a token needs. Default: none. */
  readonly scope?: Scope;
  readonly pathParams?: z.ZodObject;
  /** The method's name for the Call-ID in the path. Default: `callid`. */
  readonly callidParam?: 'callidA';
  readonly query: z.ZodObject;
  readonly body?: z.ZodType;
  readonly isBodyOptional?: true;
  /** It starts a command: it accepts `Idempotency-Key` and returns `Location`, the URL of the command. */
  readonly isCommand?: true;
  /** The status of a success. */
  readonly status: 200 | 202;
  /** The content type of a success. Default: `application/json`. */
  readonly contentType?: 'text/event-stream';
  /** The statuses of errors. */
  readonly problems: readonly number[];
}

/** Has no 404: only OpenSIPS knows whether a call exists, and an event of the command says so. */
const COMMAND_PROBLEMS = [400, 401, 403, 409, 413, 429, 503] as const;
const QUERY_PROBLEMS = [400, 401, 403, 429] as const;

export const routes = {
  rpc: {
    method: 'POST',
    path: '/v1/rpc',
    description: `Runs a JSON-RPC request or a batch of up to ${MAX_BATCH}. Not available: ${SOCKET_ONLY_METHODS.join(', ')}`,
    query: NoQuery,
    body: z.unknown(),
    status: 200,
    problems: [401, 413],
  },
  start: {
    method: 'POST',
    path: '/v1/calls',
    description: 'Starts a call',
    rpcMethod: 'CallStart',
    scope: 'CallStart',
    query: NoQuery,
    body: StartBody,
    isCommand: true,
    status: 202,
    problems: COMMAND_PROBLEMS,
  },
  list: {
    method: 'GET',
    path: '/v1/calls',
    description: 'Lists calls, newest first. `state` may be repeated',
    rpcMethod: 'CallList',
    scope: 'read',
    query: CallsQuery,
    status: 200,
    problems: QUERY_PROBLEMS,
  },
  get: {
    method: 'GET',
    path: '/v1/calls/{callid}',
    description: 'Returns a call and its timeline',
    rpcMethod: 'CallGet',
    scope: 'read',
    pathParams: CallPath,
    query: NoQuery,
    status: 200,
    problems: [...QUERY_PROBLEMS, 404],
  },
  end: {
    method: 'DELETE',
    path: '/v1/calls/{callid}',
    description: 'Ends a call, or the CallStart that has this `cmd_id`',
    rpcMethod: 'CallEnd',
    scope: 'CallEnd',
    pathParams: CallPath,
    query: NoQuery,
    isCommand: true,
    status: 202,
    problems: COMMAND_PROBLEMS,
  },
  hold: {
    method: 'POST',
    path: '/v1/calls/{callid}/hold',
    description: 'Puts a call on hold',
    rpcMethod: 'CallHold',
    scope: 'CallHold',
    pathParams: CallPath,
    query: NoQuery,
    body: HoldBody,
    isBodyOptional: true,
    isCommand: true,
    status: 202,
    problems: COMMAND_PROBLEMS,
  },
  unhold: {
    method: 'POST',
    path: '/v1/calls/{callid}/unhold',
    description: 'Takes a call off hold',
    rpcMethod: 'CallUnhold',
    scope: 'CallUnhold',
    pathParams: CallPath,
    query: NoQuery,
    body: HoldBody,
    isBodyOptional: true,
    isCommand: true,
    status: 202,
    problems: COMMAND_PROBLEMS,
  },
  transfer: {
    method: 'POST',
    path: '/v1/calls/{callid}/transfer',
    description: 'Transfers a party of a call to another address',
    rpcMethod: 'CallBlindTransfer',
    scope: 'CallBlindTransfer',
    pathParams: CallPath,
    query: NoQuery,
    body: TransferBody,
    isCommand: true,
    status: 202,
    problems: COMMAND_PROBLEMS,
  },
  attendedTransfer: {
    method: 'POST',
    path: '/v1/calls/{callid}/attended-transfer',
    description: 'Connects a party of this call (`callidA`) with a party of another',
    rpcMethod: 'CallAttendedTransfer',
    scope: 'CallAttendedTransfer',
    pathParams: CallPath,
    callidParam: 'callidA',
    query: NoQuery,
    body: AttendedTransferBody,
    isCommand: true,
    status: 202,
    problems: COMMAND_PROBLEMS,
  },
  command: {
    method: 'GET',
    path: '/v1/commands/{cmd_id}',
    description: `Returns a command of your own subject with its events so far. With \`?wait=\` (seconds, up to ${MAX_WAIT_S}), responds when the command has ended or the time has passed`,
    rpcMethod: 'CommandGet',
    pathParams: CommandPath,
    query: CommandQuery,
    status: 200,
    problems: [400, 401, 403, 404, 429, 503],
  },
  events: {
    method: 'GET',
    path: '/v1/events',
    description:
      'Streams the notifications of all commands of your own subject and every change of calls, as Server-Sent Events',
    scope: 'read',
    query: EventsQuery,
    status: 200,
    contentType: 'text/event-stream',
    problems: [...QUERY_PROBLEMS, 503],
  },
} as const satisfies Record<string, Route>;
